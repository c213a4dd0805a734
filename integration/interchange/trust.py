# SPDX-License-Identifier: Apache-2.0
"""Which envelopes are accepted (FORMAT.md, section 9)."""

import fnmatch

import keys
from errors import BadSignature, Untrusted


class Trust:
    """The keys that a reader trusts, and what else it expects.

    entries are (public key's line, "author" or "envelope", patterns of package
    ids, none for all); required are lines of keys that must have signed; expected is
    "ID" or "ID@VERSION".
    """

    def __init__(self, entries, required=(), expected=None):
        self._roles = []
        for line, role, patterns in entries:
            if role not in ("author", "envelope"):
                raise ValueError(f"no role: {role}")
            self._roles.append((keys.author_public(line), role, list(patterns)))
        self._required = [keys.author_public(line) for line in required]
        self._expected = expected

    def require(self, envelope):
        """Refuses an envelope without a signature that is demanded."""
        if not set(self._required) <= set(envelope.signers):
            raise BadSignature("a key that is required has not signed")

    def accept(self, envelope):
        """Refuses an envelope that is not to be trusted."""
        self.require(envelope)
        package = envelope.manifest["package_id"]
        if not any(self._trusted(key, package, "author") for key in envelope.signers):
            raise Untrusted(f"nobody who is trusted for {package} has signed it")
        if not self._trusted(envelope.envelope_signer, package, "author", "envelope"):
            raise Untrusted(f"who signed the envelope is not trusted for {package}")
        if self._expected is not None:
            expected, at, version = self._expected.partition("@")
            if package != expected or (at and envelope.manifest["version"] != version):
                raise Untrusted(f"not the expected package but {package}@{envelope.manifest['version']}")

    def accepts(self, envelope):
        try:
            self.accept(envelope)
        except (BadSignature, Untrusted):
            return False
        return True

    def _trusted(self, key, package, *roles):
        return any(
            key == k and role in roles and _covers(patterns, package)
            for k, role, patterns in self._roles
        )


def _covers(patterns, package):
    return not patterns or any(_matches(p, package) for p in patterns)


def _matches(pattern, package):
    """Whether a pattern covers an id: * and ? stay within one element between
    slashes, a final /** stands for everything below, and ** alone for all."""
    if pattern == "**":
        return True
    wanted, elements = pattern.split("/"), package.split("/")
    if wanted[-1] == "**":
        del wanted[-1]
        if len(elements) <= len(wanted):
            return False
        elements = elements[: len(wanted)]
    return len(wanted) == len(elements) and all(map(fnmatch.fnmatchcase, elements, wanted))
