# SPDX-License-Identifier: Apache-2.0
"""A second reader of .tgsp packages, written against container/FORMAT.md alone.

    verify(data, trust)                    every byte, without a key
    verify(data, trust, identities=[...])  and every file
    read(data, trust, identities, now)     the files, as an opener sees them

What the agent was handed by fleets comes beside its identities, as bundles of
the module fleet. Both raise a subclass of errors.Refused, whose code is the exit code of the tgsp
command. Where several reasons hold, the first of this order counts: malformed,
signature, unfinished, altered, untrusted, fleet, no-key, time.
"""

import hashlib
import time
from dataclasses import dataclass

import envelope
import hpke
import index
import layout
import manifest
import stream
import tree
from errors import Altered, Malformed, Refused, Unfinished, WrongFleet
from trust import Trust


@dataclass(frozen=True)
class Opened:
    """What a package holds, for those who have a key."""

    manifest: dict
    index: index.Index
    contents: dict  # path -> bytes


def verify(data, trust, required=(), expected=None, at=None, identities=(), bundles=(), now=None):
    """Checks every byte of a package, with an identity also its contents.

    trust is a list of (public key's line, role, patterns of package ids). The policy's
    window is judged at the time at, if one is given, and fleet files at the time now:
    the present, if none is given. It returns the Opened package, or the manifest where
    no identity was given.
    """
    trust = Trust(trust, required, expected)
    parts = layout.parse(data)
    slots = envelope.read_slots(data, parts)
    found = _best(slots, trust)
    trust.require(found)
    if sum(isinstance(s, envelope.Envelope) for s in slots) != 1 or None not in slots:
        raise Unfinished("a change of the envelope was cut off")
    _check_body(data, parts, found.manifest)
    trust.accept(found)
    _check_entries(found)
    opened = None
    if identities:
        agent = _Agent(identities, bundles, time.time() if now is None else now)
        opened = _open(data, parts, found, agent, None)
    if at is not None:
        manifest.check_time(found.manifest, at)
    return opened or found.manifest


def read(data, trust, identities, now, required=(), expected=None, bundles=()):
    """The Opened package, as far as its policy lets it be opened now."""
    trust = Trust(trust, required, expected)
    parts = layout.parse(data)
    found = _best(envelope.read_slots(data, parts), trust)
    trust.accept(found)
    _check_entries(found)
    opened = _open(data, parts, found, _Agent(identities, bundles, now), now)
    _check_body(data, parts, found.manifest)
    return opened


class _Agent:
    """Who opens a package: identities, what fleets say of them, and a clock."""

    def __init__(self, identities, bundles, now):
        self.identities = identities
        self.memberships = [m for b in bundles if (m := b.membership(identities))]
        self.now = now

    def check_fleet(self, target):
        """Refuses an agent that does not show that it is in a fleet now."""
        shown = [m for m in self.memberships if m.file["fleet_id"] == target]
        if not shown:
            raise WrongFleet("the package is for another fleet")
        if shown[0].secret is None:
            raise WrongFleet("the package's fleet does not have this agent")
        if self.now >= shown[0].file["valid_until"]:
            raise WrongFleet("the fleet file is out of date")


def _check_entries(found):
    """Refuses entries that are not the target fleet's."""
    target = found.manifest["policy_constraints"].get("target_fleet")
    if target is None:
        return
    of_fleet = [entry for entry in found.fleets() if entry["fleet_id"] == target]
    if len(of_fleet) != len(found.recipients):
        raise WrongFleet("an entry is not of the package's fleet")


def _best(slots, trust):
    """The envelope that a reader takes."""
    valid = [s for s in slots if isinstance(s, envelope.Envelope)]
    if valid:
        return max(valid, key=lambda e: (trust.accepts(e), e.generation, -e.slot))
    refused = [s for s in slots if isinstance(s, Refused)]
    if not refused:
        raise Malformed("both slots are empty")
    raise min(refused, key=lambda err: err.code)


def _check_body(data, parts, m):
    if hashlib.sha256(data[parts.index : parts.tree]).digest() != m["index_hash"]:
        raise Altered("the index is not what the author signed")
    if any(data[parts.gap : parts.payload]):
        raise Altered("the bytes before the payload are not zero")
    tree.check(data[parts.payload :], data[parts.tree : parts.gap], m["leaf_hash"], m["content_hash"])


def _open(data, parts, found, agent, now):
    m = found.manifest
    target = m["policy_constraints"].get("target_fleet")
    if target is not None:
        agent.check_fleet(target)
    data_key = hpke.unwrap(found, agent.identities, agent.memberships)
    if now is not None:
        manifest.check_time(m, now)
    section = data[parts.index : parts.tree]
    if hashlib.sha256(section).digest() != m["index_hash"]:
        raise Altered("the index is not what the author signed")
    table = index.open_section(section, data_key, m)
    payload = stream.decrypt(
        data_key, m["suite"], b"tgsp/v1 payload", m["payload_salt"], m["payload_commitment"], data[parts.payload :]
    )
    return Opened(m, table, index.split(payload, table.files))
