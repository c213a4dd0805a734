// SPDX-License-Identifier: Apache-2.0

// Package container reads, writes, changes and verifies TGSP packages: files
// that hold a model encrypted in authenticated chunks, under a hash tree whose
// root its author signed. FORMAT.md beside this file is the specification;
// section numbers in comments are its.
//
// The steps of opening a package are types, so that none can be left out:
//
//	f, err := container.OpenFile(name)  // preamble and envelope, parsed, nothing believed
//	a, err := f.Accept(trust)           // signatures and trust
//	r, err := a.Open(facts, identities) // policy, key, index: contents can be read
//
// Every read of a Reader is checked against the signed tree before anything is
// decrypted. File.Verify checks every byte of the file, with or without a key.
//
// The package prints nothing, keeps no global state and reads no clock: time
// and other facts are handed in.
package container
