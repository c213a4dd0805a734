# SPDX-License-Identifier: Apache-2.0
"""Says of every line on standard input whether it is a key: its kind, or "no"."""

import sys

import keys
from errors import BadKey

for line in sys.stdin.buffer.read().decode().split("\n")[:-1]:
    try:
        kind, _ = keys.parse(line)
        print(kind)
    except BadKey:
        print("no")
