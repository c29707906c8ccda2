"""What a model is, as one short word: equal weights and settings have equal fingerprints.

    fingerprint(Path("model"))     # -> '3f1c0a5e9b7d2e44'

Caches and adapters name the model they belong to by it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from adcli.core.cache import cache_directory
from adcli.files import write_whole

DEFINING = (".safetensors", ".json", ".txt", ".model", ".jinja")
DESCRIBING = {"data_config.json", "README.md"}


def fingerprint(directory: Path) -> str:
    """16 hexadecimal digits of the SHA-256 over names and contents of weights, settings and tokenizer.

    The files are read once: afterwards the answer comes from the cache folder as long as paths, sizes and
    times of change stay what they were.
    """
    directory = directory.resolve()
    files = _defining_files(directory)
    seen = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    key = hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]
    remembered = cache_directory("fingerprints") / f"{key}.txt"
    try:
        known = remembered.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        known = ""
    if len(known) == 16:
        return known
    digest = _digest(directory, files)
    with contextlib.suppress(OSError):  # a cache that may only be read
        write_whole(remembered, digest.encode("ascii") + b"\n")
    return digest


def settings_fingerprint(content: object) -> str:
    """16 hexadecimal digits that stand for what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _defining_files(directory: Path) -> list[Path]:
    found = [path for pattern in ("*", "[0-9]*_*/*") for path in directory.glob(pattern)]
    return sorted(path for path in found if _defines(path))


def _defines(path: Path) -> bool:
    return path.suffix in DEFINING and path.name not in DESCRIBING and path.is_file()


def _digest(directory: Path, files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").digest()
        whole.update(path.relative_to(directory).as_posix().encode() + b"\0" + content)
    return whole.hexdigest()[:16]
