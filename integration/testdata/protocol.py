# SPDX-License-Identifier: Apache-2.0
"""What the scripts that load a model have in common: the command line and the output.

usage: SCRIPT MODE[,MODE...] DIR [--no-digest] [--wait]

--no-digest  leave the digests out, for timing
--wait       before each mode print "ready" and wait for a line on standard input, so
             that a caller can drop the kernel's caches without also dropping the
             framework, which is in memory by then

Output, a line of JSON for each mode:
{"version": V, "mode": M, "seconds": S, "bytes": N, "tensors": {NAME: SHA-256 of its bytes}}
"""
import hashlib
import json
import sys
import time

import numpy


def main(usage, version, load, arrays):
    """load(mode, folder) is what is timed; arrays(what it returned)
    gives pairs of a name and a NumPy array."""
    options = {a for a in sys.argv[1:] if a.startswith("--")}
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(names) != 2 or options - {"--no-digest", "--wait"}:
        raise SystemExit(f"{usage}\n{__doc__}")
    modes, folder = names
    for mode in modes.split(","):
        if "--wait" in options:
            print("ready", flush=True)
            sys.stdin.readline()
        start = time.monotonic()
        loaded = load(mode, folder)
        seconds = time.monotonic() - start
        tensors = dict(arrays(loaded))
        digests = {} if "--no-digest" in options else {n: digest(a) for n, a in sorted(tensors.items())}
        size = sum(a.nbytes for a in tensors.values())
        print(json.dumps({"version": version, "mode": mode, "seconds": seconds, "bytes": size, "tensors": digests}), flush=True)


def digest(array):
    return hashlib.sha256(numpy.ascontiguousarray(array)).hexdigest()
