#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the second reader against the test kit (container/testdata/kit/README.md).

It prints one object of JSON: how many cases and answers were compared, how many
answers agree, and those that do not.
"""

import base64
import calendar
import hashlib
import json
import pathlib
import sys
import time
import zlib

import fleet
import keys
import reader
from errors import BadKey, Refused

LINES = {
    "author": keys.author_public,
    "author-secret": keys.author_secret,
    "recipient": keys.recipient_public,
    "identity": keys.identity,
    "fleet": keys.fleet_public,
    "fleet-secret": keys.fleet_secret,
    "epoch-secret": keys.epoch_secret,
}


def main(folder):
    found = {"cases": 0, "answers": 0, "different": []}
    for path in sorted(pathlib.Path(folder).glob("*.kit")):
        fields, body = parse(path.read_bytes())
        found["cases"] += 1
        if "bundle" in fields:
            answers = bundle_answers(fields)
        elif "line" in fields:
            answers = line_answers(fields)
        else:
            answers = package_answers(fields, body)
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


def bundle_answers(fields):
    identities = [keys.identity(line) for line in fields.get("identity", [])]
    accept, agent = "true", None
    try:
        bundle = fleet.parse_bundle(base64.b64decode(fields["bundle"][0], validate=True))
        if identities:
            agent = said_of(bundle.membership(identities))
    except Refused:
        accept = "false"
    yield "accept", fields["accept"][0], accept
    yield "agent", fields.get("agent", [None])[0], agent


def said_of(membership):
    if membership is None:
        return "nothing"
    return "absent" if membership.secret is None else "member"


def package_answers(fields, body):
    data = zlib.decompress(body)
    trust = [(t[1], t[0], t[2:]) for t in map(str.split, fields.get("trusted", []))]
    rest = {"required": fields.get("require", []), "expected": fields.get("expect", [None])[0]}
    identities = [keys.identity(line) for line in fields["identity"]]
    bundles = [fleet.parse_bundle(base64.b64decode(bundle, validate=True)) for bundle in fields.get("fleet", [])]
    now = calendar.timegm(time.strptime(fields["at"][0], "%Y-%m-%dT%H:%M:%SZ"))

    def verify(*identities):
        return reader.verify(data, trust, identities=identities, bundles=bundles, now=now, **rest)

    public, _ = outcome(verify)
    verified, _ = outcome(verify, *identities)
    opened, found = outcome(reader.read, data, trust, identities, now, bundles=bundles, **rest)
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
