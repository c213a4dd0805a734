# SPDX-License-Identifier: Apache-2.0
"""Why a package is refused: one class for each exit code of the tgsp command."""


class Refused(Exception):
    """A package is refused. Its subclasses say why."""

    code = 1
    kind = "failed"


class BadKey(Refused):
    """A text is not a key, or the key must not be used."""

    code = 3
    kind = "usage"


class Malformed(Refused):
    """Not a package, damaged structure, or an unknown version."""

    code = 10
    kind = "malformed"


class BadSignature(Refused):
    """A signature is missing or wrong."""

    code = 11
    kind = "signature"


class Untrusted(Refused):
    """Signed, but by nobody who is trusted for this package, or not the expected one."""

    code = 12
    kind = "untrusted"


class Altered(Refused):
    """A byte is not what the author signed, or the contents do not match the index."""

    code = 13
    kind = "altered"


class NoKey(Refused):
    """No identity opens the package."""

    code = 14
    kind = "no-key"


class WrongFleet(Refused):
    """The package is for another fleet, or for a fleet and for others too, or the agent does not show that it is in it."""

    code = 15
    kind = "fleet"


class OutsideTime(Refused):
    """The package is not open at this time."""

    code = 16
    kind = "time"


class Unfinished(Refused):
    """A change of the envelope was cut off."""

    code = 19
    kind = "unfinished"
