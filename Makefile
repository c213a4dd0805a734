# SPDX-License-Identifier: Apache-2.0
# make demo and make test do all set-up themselves. The work is in .ci.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: build package demo test test-all fuzz torture check bench frameworks fmt clean help

build: ## bin/tgsp, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/tgsp ./cmd/tgsp

package: ## .deb, .rpm, checksums and lists of contents for amd64 and arm64, in bin/packages
	VERSION=$(VERSION) .package/build bin/packages

demo: build ## pack, verify, mount and read a small model, with the commands shown
	.ci/demo bin/tgsp

test: ## install what the tests need, then run all of them
	.ci/test

test-all: ## test, and what takes too long for it: arm64 on all kernels and all of its unit tests, large packages
	.ci/test-all

torture: ## the tests that run for minutes: reads of all kinds, mounts and their ends, changes; TIME=10m
	.ci/setup ca-certificates git gcc libc6-dev fuse3 age python3-torch python3-numpy python3-opencv util-linux
	go test ./integration -count=1 -timeout 4h -v -run '^TestTorture$$' -torture.time=$(or $(TIME),10m)
	go test ./integration -count=1 -timeout 1h -v -run 'UnderLoad$$' -expiry.size=1024
	go test ./mount -count=1 -timeout 1h -v -run '^TestRoundsLeaveNothing$$' -rounds=10000
	go test ./integration -count=1 -timeout 2h -v -run '^TestRoundsLeaveNothing$$' -mount.rounds=1000
	go test ./container -count=1 -timeout 1h -v -run 'AgainstChanges$$' -changes.time=3m
	go test ./integration -count=1 -timeout 1h -v -run '^TestLargeFleet$$' -fleet.agents=1000000

check: ## format, vet, linter, import rules, cross-builds
	.ci/check

fuzz: ## search for input that breaks a reader, each target for TIME=10m
	.ci/fuzz $(or $(TIME),10m)

bench: build ## measure against plain files and other tools; SIZE=2GiB PAIRS=7 ONLY=regexp
	.ci/setup age gocryptfs rclone securefs python3-numpy python3-torch fuse3
	go test -run '^$$' -bench . -benchmem ./crypto/... ./container
	go run ./integration/bench -size $(or $(SIZE),2GiB) -pairs $(or $(PAIRS),7) $(if $(ONLY),-only "$(ONLY)") -json bin/bench.json -chart bin/bench.svg

frameworks: ## a table of frameworks that load through a mount, against the plain folder; SIZE=1GiB PAIRS=5
	.ci/setup fuse3 python3-torch python3-numpy python3-opencv
	.ci/node
	go run ./integration/frameworks -size $(or $(SIZE),256MiB) -pairs $(or $(PAIRS),5)

fmt: ## format all Go code
	gofmt -w cmd container crypto fs integration mount

clean: ## remove what was built
	rm -rf bin .cache

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile
