"""The files that inputs stand for: paths, globs, directories; copies of objects and of databases' answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from adcli.errors import UsageError, did_you_mean
from adcli.files import manifest_path, private_folder
from adcli.stores import fetch, fetch_all, fetch_if_there, matching, shown, url_of
from adcli.tables.databases import database_of, file_of, write_rows
from adcli.tables.manifest import verify
from adcli.tables.partitions import NO_VALUE
from adcli.tables.sources import Origin, Source, is_pipe


def expand(inputs: Sequence[str], query: str | None = None) -> list[Source]:
    """The sources that paths, URLs, globs and `-` stand for; a glob's in sorted order, each file once.

    Raises UsageError if a path does not exist, is a directory that is not partitioned, a glob matches
    nothing, or it is a database and there is no query.
    """
    return list({source.name: source for given in inputs for source in _expand_one(given, query)}.values())


def verify_sources(sources: Sequence[Source]) -> None:
    """Check each file, or the directory that it is in, against its manifest, where there is one.

    Raises DataError if one is not what its manifest says.
    """
    folders = {one.origin.folder: str(one.origin.place) for one in sources if one.origin.folder}
    files = {one.path: one.name for one in sources if one.path and not one.origin.folder}
    for place, name in {**folders, **files}.items():
        verify(place, name)


def _expand_one(given: str, query: str | None) -> list[Source]:
    if (url := url_of(given)) is not None:
        return _copied(url)
    if (database := database_of(given)) is not None:
        return [_queried(given, database, query)]
    return _in_directory(Path(given), given) if Path(given).is_dir() else list(map(Source, _files_of(given)))


def _copied(url: str) -> list[Source]:
    """Objects, copied whole among the temporary files: they are hashed, and most are read more than once."""
    folder = private_folder()
    if url.endswith("/"):
        fetch_all(url, folder / "objects")
        return _in_directory(folder / "objects", shown(url), origin=Path(url))
    sources = []
    is_pattern = not url.startswith("http") and any(mark in url for mark in "*?[")
    for number, one in enumerate(matching(url) if is_pattern else [url]):
        place, _, signature = one.partition("?")
        copy = folder / f"{number}-{Path(place).name[-100:]}"
        fetch(one, copy)
        beside = f"{manifest_path(Path(place))}{'?' * bool(signature)}{signature}"
        fetch_if_there(beside, manifest_path(copy))
        sources.append(Source(str(copy), origin=Origin(shown(one), Path(one))))
    return sources


def _queried(given: str, database: str, query: str | None) -> Source:
    if query is None:
        raise UsageError(
            f"{shown(given)}: is a database.", fix="Say which rows of INPUT: --query 'select … from …'."
        )
    copy = private_folder() / "rows.arrow"
    write_rows(database, query, copy)
    origin = Origin(shown(given), file_of(database) or Path(given), query=query)
    return Source(str(copy), origin=origin)


def _in_directory(folder: Path, name: str, origin: Path | None = None) -> list[Source]:
    """The files of a directory whose folders are named `column=value`, as Hive does; of a store, any."""
    inside = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in inside if not any(part[0] in "._" for part in path.relative_to(folder).parts)]
    name = name.rstrip("/")
    if not origin and not any("=" in part for path in files for part in path.relative_to(folder).parts[:-1]):
        raise UsageError(f"{name} is a directory.", fix=f"Name its files, for example '{name}/*.csv'.")
    sources = []
    for path in files:
        *folders, _ = path.relative_to(folder).parts
        own = f"{name}/{path.relative_to(folder).as_posix()}"
        sources.append(Source(str(path), origin=Origin(own, origin or folder, folder, _partition(folders))))
    return sources


def _partition(folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = [unquote(folder).split("=", 1) for folder in folders if "=" in folder]
    return tuple((name, None if value == NO_VALUE else value) for name, value in pairs)


def _files_of(given: str) -> list[str]:
    path = Path(given)
    if given == "-" or path.is_file() or is_pipe(path):
        return [given]
    if any(mark in given for mark in "*?["):
        found = sorted(_glob(given))
        if not found:
            raise UsageError(f"{given}: no file matches this pattern.")
        return found
    siblings = (
        [other.name for other in path.parent.iterdir() if other.exists()] if path.parent.is_dir() else []
    )
    raise UsageError(f"{given}: there is no such file.", fix=did_you_mean(path.name, siblings))


def _glob(pattern: str) -> list[str]:
    path = Path(pattern)
    root, rest = (Path(path.anchor), path.relative_to(path.anchor)) if path.anchor else (Path(), path)
    try:
        return [str(found) for found in root.glob(str(rest)) if found.is_file()]
    except ValueError as error:
        raise UsageError(f"{pattern}: not a pattern: {error}.") from None
