// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"fmt"
	"io"
	iofs "io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	tgspfs "github.com/tensorguard/tgsp/fs"
)

// openExample opens a package whose author is trusted; see package container for the steps.
func openExample() (*container.Reader, error) {
	author, err := tgspcrypto.ReadAuthorKeyFile("../container/testdata/v1/author.key")
	if err != nil {
		return nil, err
	}
	identities, err := tgspcrypto.ReadIdentityFile("../container/testdata/v1/x25519.key")
	if err != nil {
		return nil, err
	}
	f, err := container.OpenFile("../container/testdata/v1/aead_aes_256_gcm-sha-256-x25519.tgsp")
	if err != nil {
		return nil, err
	}
	accepted, err := f.Accept(&container.Trust{Keys: []container.TrustedKey{{Key: author.Public(), Role: container.RoleAuthor}}})
	if err != nil {
		return nil, err
	}
	return accepted.Open(container.Facts{Now: time.Now()}, identities)
}

// A package is a file system like any other: whatever takes an io/fs.FS reads it.
func Example() {
	r, err := openExample()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	model := tgspfs.New(r)

	err = iofs.WalkDir(model, ".", func(name string, d iofs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Println(name)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	text, err := iofs.ReadFile(model, "config.json")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output:
	// config.json
	// empty
	// model.safetensors
	// run.sh
	// sub/näme with space.bin
	// tiny.gguf
	// {"model_type": "frozen"}
}

// Files are io.ReaderAt and io.Seeker, so that a part of one can be read without the
// rest: only what is touched is decrypted.
func Example_part() {
	r, err := openExample()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	file, err := tgspfs.New(r).Open("tiny.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	magic := io.NewSectionReader(file.(io.ReaderAt), 0, 4)
	text, err := io.ReadAll(magic)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", text)
	// Output: GGUF
}

// A web server hands out files of a package, ranges of them too.
func Example_http() {
	r, err := openExample()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	server := http.FileServerFS(tgspfs.New(r))

	request := httptest.NewRequest(http.MethodGet, "/config.json", nil)
	request.Header.Set("Range", "bytes=2-11")
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	fmt.Println(answer.Code, answer.Body)
	// Output: 206 model_type
}
