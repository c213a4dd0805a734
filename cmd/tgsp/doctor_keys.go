// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/tensorguard/tgsp/cmd/tgsp/passphrase"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// checkKeys looks at the keys that init made. It asks for no passphrase.
func checkKeys() *doctorCheck {
	c := &doctorCheck{Name: "keys", OK: true}
	dir, err := home()
	if err != nil {
		return c.failed(err)
	}
	var there []string
	for _, k := range []struct {
		file, what string
		parse      func(text []byte, name string) error
	}{
		{authorKeyFile, "an author key", func(text []byte, name string) error {
			_, err := tgspcrypto.ReadAuthorKey(bytes.NewReader(text), name)
			return err
		}},
		{identityKeyFile, "an identity", func(text []byte, name string) error {
			_, err := tgspcrypto.ReadIdentities(bytes.NewReader(text), name)
			return err
		}},
	} {
		name := filepath.Join(dir, k.file)
		text, err := readAtMost(name, tgspcrypto.MaxKeyFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return c.failed(err)
		}
		if passphrase.Protected(text) {
			k.what += " with a passphrase"
		} else if err := k.parse(text, name); err != nil {
			return c.failed(withHint(err, "put your copy of the file back"))
		}
		clear(text)
		if shared, err := sysfile.Shared(name); err == nil && shared {
			return c.failed(withHint(fmt.Errorf("%s can be read by others", name), "%s", ownerAloneCommand(name, false)))
		}
		there = append(there, k.what)
	}
	if c.Found = "you have " + strings.Join(there, " and "); len(there) < 2 {
		c.Next = "make what is missing: tgsp init"
	}
	if len(there) == 0 {
		c.Found = "you have no keys yet"
	}
	return c
}

func checkTrust() *doctorCheck {
	c := &doctorCheck{Name: "trust", OK: true}
	store, err := loadTrustStore()
	if err != nil {
		return c.failed(withHint(err, "mend the file, or move it away and trust its keys anew: tgsp trust add"))
	}
	if c.Found = "you trust " + countOf(len(store.Keys), "key"); len(store.Keys) == 0 {
		c.Found, c.Next = "you trust nobody yet", "trust the author of a package: tgsp trust add tgsp-author:…"
	}
	return c
}

// checkProcessor looks at what makes encryption and hashes fast.
func checkProcessor() *doctorCheck {
	cpu := &cpuid.CPU
	aes, sha := cpu.Supports(cpuid.AESNI, cpuid.CLMUL) || cpu.Supports(cpuid.AESARM, cpuid.PMULL), cpu.Supports(cpuid.SHA) || cpu.Supports(cpuid.SHA2)
	has := func(what string, there bool) string {
		if there {
			return what
		}
		return "no " + what
	}
	c := &doctorCheck{Name: "processor", OK: true, Values: map[string]string{
		"aes": fmt.Sprint(aes), "sha": fmt.Sprint(sha), "avx512": fmt.Sprint(cpu.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL)),
	}}
	c.Found = fmt.Sprintf("%d of them, with %s and %s", cpu.LogicalCores, has("AES instructions", aes), has("SHA instructions", sha))
	if cpu.LogicalCores == 0 {
		c.Found = strings.TrimPrefix(c.Found, "0 of them, ")
	}
	switch {
	case !aes:
		c.Next = "packages for machines like this are faster with: tgsp pack --cipher chacha20-poly1305"
	case !sha && cpuid.CPU.VendorID != cpuid.VendorUnknown:
		c.Next = "packages for machines like this are faster with: tgsp pack --leaf-hash blake3"
	}
	return c
}
