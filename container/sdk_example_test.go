// SPDX-License-Identifier: Apache-2.0

package container_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

const (
	examplePackage = "testdata/v1/aead_aes_256_gcm-sha-256-x25519.tgsp"
	expiredPackage = "testdata/v1/policy-not-after.tgsp"
)

// trustExampleAuthor is what a program knows beforehand: whose packages it takes.
func trustExampleAuthor() (*container.Trust, error) {
	keys, err := tgspcrypto.ReadAuthorKeyFile("testdata/v1/author.key")
	if err != nil {
		return nil, err
	}
	return &container.Trust{Keys: []container.TrustedKey{{Key: keys.Public(), Role: container.RoleAuthor}}}, nil
}

// A program opens a package in three steps, and reads from it at any place. Each byte
// that it gets was checked against the author's signature first.
func Example() {
	trust, err := trustExampleAuthor()
	if err != nil {
		log.Fatal(err)
	}
	identities, err := tgspcrypto.ReadIdentityFile("testdata/v1/x25519.key")
	if err != nil {
		log.Fatal(err)
	}

	f, err := container.OpenFile(examplePackage)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	accepted, err := f.Accept(trust)
	if err != nil {
		log.Fatal(err)
	}
	r, err := accepted.Open(container.Facts{Now: time.Now()}, identities)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	for i, entry := range r.Files() {
		if entry.Path == "config.json" {
			text := make([]byte, entry.Size)
			if _, err := r.ReadFileAt(i, text, 0); err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s", text)
		}
	}
	// Output: {"model_type": "frozen"}
}

// A release check needs no key: it makes sure that every byte of a package is what a
// trusted author signed, and that it is the release that was meant.
func ExampleFile_Verify() {
	trust, err := trustExampleAuthor()
	if err != nil {
		log.Fatal(err)
	}
	if trust.Expect, err = container.ParseExpectation("tgsp/frozen@1.0.0"); err != nil {
		log.Fatal(err)
	}
	f, err := container.OpenFile(examplePackage)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	report, err := f.Verify(context.Background(), container.VerifyOptions{Trust: trust})
	if err != nil {
		log.Fatal(err)
	}
	m := report.Envelope.Manifest()
	fmt.Println(m.PackageID, m.Version, "contents checked:", report.ContentsChecked)
	// Output: tgsp/frozen 1.0.0 contents checked: false
}

// Errors tell by their type what is wrong, and by their fields what exactly.
func Example_errors() {
	trust, err := trustExampleAuthor()
	if err != nil {
		log.Fatal(err)
	}
	identities, err := tgspcrypto.ReadIdentityFile("testdata/v1/x25519.key")
	if err != nil {
		log.Fatal(err)
	}
	f, err := container.OpenFile(expiredPackage)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()

	stranger := &container.Trust{}
	if _, err := f.Accept(stranger); errors.As(err, new(*container.UntrustedError)) {
		fmt.Println("nobody who signed it is trusted")
	}
	accepted, err := f.Accept(trust)
	if err != nil {
		log.Fatal(err)
	}
	_, err = accepted.Open(container.Facts{Now: time.Now()}, identities)
	if policy := new(container.PolicyError); errors.As(err, &policy) {
		fmt.Println("the policy does not allow it:", policy.Clause)
	}
	if _, err := container.OpenFile("missing.tgsp"); errors.Is(err, os.ErrNotExist) {
		fmt.Println("there is no such file")
	}
	// Output:
	// nobody who signed it is trusted
	// the policy does not allow it: not_after
	// there is no such file
}
