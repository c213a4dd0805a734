#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the second reader against the test kit (container/testdata/kit/README.md).

It prints one object of JSON: how many cases and answers were compared, how many
answers agree, and those that do not.
"""

import calendar
import hashlib
import json
import pathlib
import sys
import time
import zlib

import keys
import reader
from errors import BadKey, Refused

LINES = {
    "author": keys.author_public,
    "author-secret": keys.author_secret,
    "recipient": keys.recipient_public,
    "identity": keys.identity,
}


def main(folder):
    found = {"cases": 0, "answers": 0, "different": []}
    for path in sorted(pathlib.Path(folder).glob("*.kit")):
        fields, body = parse(path.read_bytes())
        found["cases"] += 1
        answers = line_answers(fields) if "as" in fields else package_answers(fields, body)
        for question, wanted, got in answers:
            found["answers"] += 1
            if wanted != got:
                found["different"].append(f"{path.stem}: {question}: {got}, want {wanted}")
    print(json.dumps(found))


def parse(data):
    """The header's fields, each a list of values, and what follows it."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    if first != "tgsp test kit 1":
        raise ValueError("not a file of the test kit")
    fields = {}
    for line in lines:
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    return fields, body


def line_answers(fields):
    try:
        LINES[fields["as"][0]](json.loads(fields["line"][0]))
        got = "true"
    except BadKey:
        got = "false"
    yield "accept", fields["accept"][0], got


def package_answers(fields, body):
    data = zlib.decompress(body)
    trust = [(t[1], t[0], t[2:]) for t in map(str.split, fields.get("trusted", []))]
    rest = {"required": fields.get("require", []), "expected": fields.get("expect", [None])[0]}
    identities = [keys.identity(line) for line in fields["identity"]]
    now = calendar.timegm(time.strptime(fields["at"][0], "%Y-%m-%dT%H:%M:%SZ"))

    def verify(*identities):
        return reader.verify(data, trust, identities=identities, **rest)

    public, _ = outcome(verify)
    verified, _ = outcome(verify, *identities)
    opened, found = outcome(reader.read, data, trust, identities, now, **rest)
    yield "public", fields["public"][0], public
    yield "verify", fields["verify"][0], verified
    # To extract is to open and then to verify. This reader looks at the whole
    # body when it opens, so it finds there what others find as they read.
    yield "extract", fields["extract"][0], opened if opened != "ok" else verified
    if fields["open"][0] != "ok" or opened == "ok":
        yield "open", fields["open"][0], opened
    if opened == "ok":
        yield "file", fields.get("file", []), [described(found, f.path) for f in found.index.files]


def described(found, path):
    data = found.contents[path]
    return f"ok {len(data)} {hashlib.sha256(data).hexdigest()} {path}"


def outcome(ask, *args, **more):
    try:
        return "ok", ask(*args, **more)
    except Refused as err:
        return err.kind, None


if __name__ == "__main__":
    main(sys.argv[1])
