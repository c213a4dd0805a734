# SPDX-License-Identifier: Apache-2.0
"""Names of files and folders (FORMAT.md, section 10.1)."""

import re
import unicodedata

from errors import Malformed

MAX_MARKS = 30

_FORBIDDEN = set('\\:<>"|?*') | {chr(c) for c in [*range(0x20), *range(0x7F, 0xA0)]}
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9¹²³]|CONIN\$|CONOUT\$) *(?:\..*)?", re.ASCII | re.IGNORECASE | re.DOTALL)


def check(path):
    """Refuses a path that is not portable."""
    if not path or len(path.encode()) > 1024:
        raise Malformed("path: empty or too long")
    for element in path.split("/"):
        _check_element(element)


def _check_element(element):
    if element in ("", ".", "..") or len(element.encode()) > 255:
        raise Malformed(f"path: an element that is empty, . or .., or too long: {element[:80]!r}")
    if element[-1] in ". ":
        raise Malformed(f"path: an element ends in a dot or a space: {element!r}")
    if _marks_in_a_row(element) > MAX_MARKS:
        raise Malformed(f"path: more than {MAX_MARKS} combining marks in a row: {element!r}")
    for c in element:
        if c in _FORBIDDEN or _unseen(c):
            raise Malformed(f"path: a character that no name may have: {element!r}")
    if _RESERVED.fullmatch(element):
        raise Malformed(f"path: a name that Windows reserves: {element!r}")


def _marks_in_a_row(element):
    longest = run = 0
    for c in unicodedata.normalize("NFD", element):
        run = run + 1 if unicodedata.combining(c) else 0
        longest = max(longest, run)
    return longest


def _unseen(c):
    return unicodedata.category(c) in ("Cf", "Zl", "Zp") and c not in "\u200c\u200d"


def fold(path):
    """What two paths that count as equal have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_all(paths):
    """Refuses paths of files and of empty folders that are unfit, or that meet each other."""
    given, above = set(), {}
    for path in paths:
        check(path)
        if fold(path) in given:
            raise Malformed(f"path: equal to another after folding: {path!r}")
        given.add(fold(path))
        elements = path.split("/")
        for n in range(1, len(elements)):
            folder = "/".join(elements[:n])
            if above.setdefault(fold(folder), folder) != folder:
                raise Malformed(f"path: a folder that is spelled in two ways: {folder!r}")
    for path in given & above.keys():
        raise Malformed(f"path: also a folder above another: {path!r}")
