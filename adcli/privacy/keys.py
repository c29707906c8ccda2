"""The keys of pseudonyms, one a line in a file that its owner alone can read.

The last line makes pseudonyms; the lines before are keys of earlier days, by which pseudonyms of then are
found again. To rotate the key, append a line.
"""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Final, NamedTuple

from adcli.errors import UsageError
from adcli.stores import shown, url_of

FEWEST_CHARACTERS: Final = 32
_MAKE_ONE = "openssl rand -hex 32"


class Key(NamedTuple):
    """One key."""

    number: int  # its line in the file from 1, which pseudonyms carry: `p2_…`
    secret: bytes  # 32 bytes

    def __repr__(self) -> str:
        """Which key it is, and nothing of it."""
        return f"Key({self.number}, {self.id})"

    @property
    def id(self) -> str:
        """Tells keys apart and nothing of them: 8 digits of a hash."""
        return hashlib.blake2b(self.secret, digest_size=4, person=b"adcli key id").hexdigest()


def read_keys(path: Path) -> list[Key]:
    """The keys of a file, the one in use last.

    Raises UsageError if there is no such file, others can read it, or a line is no key.
    """
    if url_of(path):
        raise UsageError(
            f"--key-file {shown(str(path))}: a key stays on this machine.",
            fix="Keep it in a file that you alone can read.",
        )
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(
                    f"--key-file {path}: others can read or write it (its mode is {mode:o}).",
                    fix=f"chmod 600 {path}",
                )
            lines = [line.strip() for line in file.read().splitlines()]
    except OSError as error:
        raise UsageError(
            f"--key-file {path}: {error.strerror}.", fix=f"Make one: (umask 077; {_MAKE_ONE} > {path})"
        ) from None
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise UsageError(f"--key-file {path}: is empty.", fix=f"Make one: {_MAKE_ONE} > {path}")
    for number, line in enumerate(lines, 1):
        if len(line) < FEWEST_CHARACTERS:
            raise UsageError(
                f"--key-file {path}: line {number} is no key: it has {len(line)} characters, "
                f"fewer than {FEWEST_CHARACTERS}.",
                fix=f"A line is what `{_MAKE_ONE}` prints.",
            )
    secrets = [hashlib.blake2b(line, digest_size=32, person=b"adcli pseudonym").digest() for line in lines]
    return [Key(number, secret) for number, secret in enumerate(secrets, 1)]
