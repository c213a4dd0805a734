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
// and other facts are handed in. Errors are told apart by errors.Is and errors.As;
// their texts are for people and may change.
//
// # What stays
//
// Packages of format version 1 open for ever, by every later version. Version 1 of
// this module keeps what its packages crypto, container, fs and mount export, as
// https://go.dev/doc/modules/version-numbers has it; until then names may still
// change between minor versions, and the changelog says so. Fields may be added to
// structs: name those that you set. cmd is the program, whose verbs, flags, exit
// codes and JSON fields stay likewise, and integration is for tests alone.
package container
