// SPDX-License-Identifier: Apache-2.0

// Package integration tests TGSP from the outside: the built command, real
// FUSE mounts, real frameworks that load weights through them, and the
// failures that only a whole system shows (a full disk, a signal, a package
// that changes beneath its mount).
//
// The tests build cmd/tgsp with CGO_ENABLED=0 and drive it as a user would; every
// read of a mounted folder happens in another process than the one that checks it.
// Nothing here imports the packages under test but the comparison with the second
// reader, which asks about every code point and hundreds of keys.
//
// # What the tests need
//
// Linux with FUSE, and from Debian or Ubuntu:
//
//	apt-get install --no-install-recommends fuse3 python3-torch python3-numpy \
//	  python3-opencv python3-cryptography python3-cbor2 debootstrap zip wine64 \
//	  gcc-mingw-w64-x86-64-win32
//
// ONNX Runtime and llama.cpp run on Node; .ci/node installs them in .cache. The
// benchmark in bench/ needs age too. A missing tool fails a test, it never skips one.
//
// Wine, on amd64, runs tgsp.exe and the tests of packages, in a folder of its own and
// without a display. The compiler makes it a library that Go's programs want and that
// Wine has from version 9 on.
//
// The suite runs as root, because it drops the kernel's caches, fills a small
// tmpfs and starts commands as an unprivileged user (uid and gid 65534). When
// that user may not open /dev/fuse the suite gives the device the mode 0666
// that udev gives it. Without root, the tests that need it are skipped and say
// so; all others run through fusermount3.
//
// # Running
//
//	go test ./integration/...
//	go test ./integration -run TestTorture -torture.ops=200000 -torture.seed=7
//	go run ./integration/bench -size 1GiB -pairs 7 -json figures.json
//	go run ./integration/frameworks -size 1GiB
//
// Packages for Debian and others are built, installed and removed in rooms: systems
// of their own in memory, made of an archive that .ci/clean-root keeps in .cache.
//
// Everything else that a run writes lies under one folder in $TMPDIR. The run fails
// when a mount, a process or a file of its own is left at its end.
//
// # Parts
//
//   - holder: a program of Windows that keeps a file open, or a part of it locked
//   - model: seeded models in the layouts that people publish
//   - rig: builds the command, runs it, looks at mounts and processes, opens rooms
//   - framework: has frameworks load models, by the scripts in testdata and testdata/node
//   - frameworks: a table of what they load through a mount, and how fast
//   - contest: measures ways to do the same work against each other
//   - bench: times packing, verifying and reading against other programs
//   - interchange: a second reader in Python, written against container/FORMAT.md alone
package integration
