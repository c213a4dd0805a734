# SPDX-License-Identifier: Apache-2.0
"""Prints what names.py makes of every code point that Python's Unicode assigns.

A line has the code point, whether it can be a name, and its folded form, all as
hexadecimal.
"""

import sys
import unicodedata

import names
from errors import Malformed

for code in range(sys.maxunicode + 1):
    c = chr(code)
    if unicodedata.category(c) in ("Cn", "Cs"):
        continue
    try:
        names.check(c)
        fit = 1
    except Malformed:
        fit = 0
    print(f"{code:x} {fit} {names.fold(c).encode().hex()}")
