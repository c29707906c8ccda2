"""The manifest beside each output: what made it, from what, and what it must contain when read back."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from adcli.errors import DataError
from adcli.files import directory_sha256, file_sha256, manifest_path, write_whole
from adcli.stores import put, shown, url_of

_PACKAGES = (
    "adcli", "polars", "pyarrow", "numpy", "scipy", "scikit-learn", "torch", "transformers", "accelerate",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Version of Python and of each package that can change a result, without importing any."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_manifest(output: Path, entries: Mapping[str, Any]) -> None:
    """Write `OUTPUT.meta.json`, whole or not at all."""
    text = json.dumps(entries, indent=2, ensure_ascii=False, default=str) + "\n"
    content, beside = shown(text).encode("utf-8", "backslashreplace"), manifest_path(output)
    if url_of(beside):
        put(str(beside), content)
    else:
        write_whole(beside, content)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest beside a file or directory, or None where there is none.

    Raises DataError if there is one that cannot be read.
    """
    beside = manifest_path(path)
    if not beside.exists():
        return None
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        if not isinstance(content["output"]["sha256"], str):
            raise TypeError("output.sha256 is not a string")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{beside}: this manifest cannot be read ({type(error).__name__}).",
            fix="Remove it, or read without it: --no-verify.",
        ) from None
    return dict(content)


def verify(path: Path, name: str = "") -> None:
    """Check a file or directory (called `name` to people) against the manifest beside it, if it has one.

    Raises DataError if the content is not what the manifest says.
    """
    content = read_manifest(path)
    if content is None:
        return
    found = directory_sha256(path) if path.is_dir() else file_sha256(path)
    if found != content["output"]["sha256"]:
        raise DataError(
            f"{name or path} is not what its manifest {manifest_path(path).name} describes "
            f"(SHA-256 {found[:12]}…, expected {content['output']['sha256'][:12]}…): "
            "it was changed or damaged after it was written.",
            fix="Make it again, or read it as it is with --no-verify.",
        )
