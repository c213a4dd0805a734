#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies .tgsp packages, and opens them where an identity is given.

For each package it prints one line of JSON: its manifest's id and version and the
files, or the error with its code. It ends with the code of the first error.
"""

import argparse
import fcntl
import hashlib
import json
import struct
import sys

import fleet
import keys
import reader
from errors import Refused

LOCK_OFFSET = 2**62


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="PKG")
    parser.add_argument("--trusted-key", action="append", default=[], metavar="KEY", help="an author's public key")
    parser.add_argument("--envelope-key", action="append", default=[], metavar="KEY", help="trusted for envelopes alone")
    parser.add_argument("--require-key", action="append", default=[], metavar="KEY", help="must have signed")
    parser.add_argument("--expect", metavar="ID[@VERSION]")
    parser.add_argument("--at", type=int, metavar="SECONDS", help="judge the policy at this time")
    parser.add_argument("--fleet", action="append", default=[], metavar="BUNDLE", help="what a fleet has handed out")
    parser.add_argument("-i", "--identity", action="append", default=[], metavar="FILE", help="a file of secret keys")
    options = parser.parse_args()
    try:
        identities = [key for name in options.identity for key in keys.identities(_contents(name))]
        trust = [(line, "author", []) for line in options.trusted_key]
        trust += [(line, "envelope", []) for line in options.envelope_key]
        bundles = [fleet.parse_bundle(_contents(name)) for name in options.fleet]
        codes = [_report(name, trust, identities, bundles, options) for name in options.packages]
    except (Refused, OSError) as err:
        print(err, file=sys.stderr)
        return getattr(err, "code", 1)
    return next((code for code in codes if code), 0)


def _report(name, trust, identities, bundles, options):
    answer = {"package": name}
    try:
        found = reader.verify(
            _package(name), trust, options.require_key, options.expect, options.at, identities, bundles, options.at
        )
        if isinstance(found, reader.Opened):
            answer["files"] = [
                {"path": f.path, "mode": f.mode, "sha256": hashlib.sha256(found.contents[f.path]).hexdigest()}
                for f in found.index.files
            ]
            answer["folders"] = found.index.folders
            answer["metadata"] = found.index.metadata
            found = found.manifest
        answer.update(package_id=found["package_id"], version=found["version"], code=0)
    except Refused as err:
        answer.update(code=err.code, kind=err.kind, message=str(err))
    print(json.dumps(answer))
    return answer["code"]


def _contents(name):
    with open(name, "rb") as f:
        return f.read()


def _package(name):
    """The bytes of a package, read under the shared lock of FORMAT.md, section 4.3."""
    with open(name, "rb") as f:
        lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, LOCK_OFFSET, 1, 0)
        fcntl.fcntl(f, fcntl.F_OFD_SETLKW, lock)
        return f.read()


if __name__ == "__main__":
    sys.exit(main())
