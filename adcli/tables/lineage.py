"""What was made of a file, by the manifests of what adcli wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from adcli.files import MANIFEST_SUFFIX

_DEEPEST: Final = 5  # folders below one that is searched
_MOST_FOLDERS: Final = 20_000


class Made(NamedTuple):
    """What adcli wrote: where, whether it is a directory that a command learned, and what it was made of."""

    path: Path
    is_learned: bool
    sha256: str
    sources: frozenset[str]


def made_of(hashes: Iterable[str], folders: Iterable[Path]) -> list[Made]:
    """What was made of files, directly or by way of others, as far as manifests below the folders tell.

    `hashes`: SHA-256 of the files; `folders`: where to look, down to five folders below each.
    """
    known = set(hashes)
    waiting = {made.path.resolve(): made for folder in folders for made in _manifests(folder)}
    found: list[Made] = []
    while fresh := [made for made in waiting.values() if made.sources & known and made not in found]:
        found += fresh
        known |= {made.sha256 for made in fresh}
    return sorted(found)


def _manifests(folder: Path) -> Iterator[Made]:
    depth = len(folder.resolve().parts)
    for place, folders, names in islice(os.walk(folder.resolve()), _MOST_FOLDERS):
        folders[:] = [
            name for name in folders if name[0] != "." and len(Path(place).parts) - depth < _DEEPEST
        ]
        for name in names:
            if name.endswith(MANIFEST_SUFFIX) and (made := _read(Path(place, name))) is not None:
                yield made


def _read(manifest: Path) -> Made | None:
    """One manifest; none where it is another program's, or damaged, or what it is of is gone."""
    path = manifest.with_name(manifest.name.removesuffix(MANIFEST_SUFFIX))
    try:
        content: Any = json.loads(manifest.read_text(encoding="utf-8"))
        sources = frozenset(str(one["sha256"]) for one in content["inputs"])
        sha256 = str(content["output"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Made(path, path.is_dir(), sha256, sources) if path.exists() else None
