"""Objects in S3, Google Cloud Storage and Azure, and what HTTP serves, by their URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

from adcli.errors import DataError, UsageError
from adcli.files import MANIFEST_SUFFIX, AtomicFile, manifest_path, private_folder
from adcli.progress import reached

_OBJECT: Final = re.compile(r"(s3|gs|az|https?):/{1,2}([^/].*)", re.DOTALL)
_COLLAPSED: Final = re.compile(r"\b(s3|gs|az|https?):/(?=[^/\s])")
_URL: Final = re.compile(r"\b([a-z][a-z0-9+]*)://([^\s'\"]*)")
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?[.,:;)]*")
_CHUNK: Final = 8 << 20
_MOST_PARTS: Final = 9_000  # of an upload; S3 takes 10,000
_CREDENTIALS: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; AWS_SKIP_SIGNATURE=true reads what is public",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}

_NO_BUCKET: Final = "NoSuchBucket"
_NO_CREDENTIALS: Final = ("//169.254.169.254/", "Account must be specified")


def url_of(given: str | Path) -> str | None:
    """The URL of an object that a text is, or that a path was made of, which lost a slash; else None."""
    match = _OBJECT.fullmatch(str(given))
    return f"{match[1]}://{match[2]}" if match else None


def shown(text: str) -> str:
    """A text as messages and manifests may have it: its URLs without passwords and query strings."""
    return _URL.sub(_without_secrets, _COLLAPSED.sub(r"\1://", text))


def _without_secrets(url: re.Match[str]) -> str:
    place, _, query = url[2].partition("?")
    server, slash, path = place.partition("/")
    if url_of(url[0]) is None:  # of a database, whose password may hold anything
        server, slash, path = place, "", ""
    login, at, server = server.rpartition("@")
    user = login.partition(":")[0] + at
    host = server.partition("/")[0]
    is_clear = _HOST.fullmatch(host) and (at or "@" not in query)
    return f"{url[1]}://{user}{server}{slash}{path}" if is_clear else f"{url[1]}://…"


def matching(pattern: str) -> list[str]:
    """The URLs of the objects that a pattern matches, or that lie below a URL ending in `/`, in their order.

    Raises UsageError if nothing does, or what serves it cannot list; DataError if the store does not answer.
    """
    import obstore

    if pattern.startswith("http"):
        raise UsageError(f"{shown(pattern)}: HTTP has no lists of files.", fix="Name each file.")
    bucket, key = _split(pattern)
    fixed = re.split(r"[*?\[]", key)[0].rpartition("/")[0]
    key += "**" * (not key or key.endswith("/"))
    with _told(pattern):
        listed = [str(one["path"]) for part in obstore.list(_store(bucket), fixed or None) for one in part]
    found = sorted(path for path in listed if _matches(path, key))
    if not found:
        raise UsageError(f"{shown(pattern)}: no object matches this.")
    return [f"{bucket}/{path}" for path in found]


def _matches(key: str, pattern: str) -> bool:
    """Whether a key is one of a glob's, whose `*` and `?` stay within a folder and whose `**` do not."""
    is_as_deep = "**" in pattern or key.count("/") == pattern.count("/")
    is_data = not key.endswith((MANIFEST_SUFFIX, "/"))
    return is_data and is_as_deep and fnmatchcase(key, pattern.replace("**/", "*"))


def fetch(url: str, target: Path) -> None:
    """Copy an object into a file.

    Raises UsageError if there is no such object; DataError if it cannot be read.
    """
    import obstore

    store, key = _place(url)
    with _told(url), target.open("wb") as handle:
        found = obstore.get(store, key)
        done, size = 0, found.meta["size"]
        for chunk in found.stream(min_chunk_size=_CHUNK):
            handle.write(chunk)
            done += len(chunk)
            reached(done / size if size else 1.0)


def local(path: Path) -> Path:
    """The file that a path names; of an object a copy, which is gone after the run."""
    url = url_of(path)
    if url is None:
        return path
    copy = private_folder() / path.name
    fetch(url, copy)
    return copy


def fetch_all(url: str, folder: Path) -> None:
    """Copy all objects below a URL into a folder, and the manifest beside them, if there is one."""
    folder.mkdir()
    for one in matching(url):
        copy = folder / one.removeprefix(url)
        copy.parent.mkdir(parents=True, exist_ok=True)
        fetch(one, copy)
    fetch_if_there(f"{manifest_path(Path(url))}", manifest_path(folder))


def fetch_if_there(url: str, target: Path) -> None:
    """Copy an object into a file, if there is one that may be read."""
    try:
        fetch(url, target)
    except (UsageError, DataError):
        target.unlink(missing_ok=True)


def put(url: str, content: bytes | IO[bytes]) -> None:
    """Make an object of bytes or an open file; others see it whole or not at all.

    Raises DataError if it cannot be written.
    """
    import obstore

    store, key = _place(url)
    size = len(content) if isinstance(content, bytes) else os.fstat(content.fileno()).st_size
    with _told(url):
        obstore.put(store, key, content, chunk_size=max(_CHUNK, size // _MOST_PARTS))


class AtomicObject(AtomicFile):
    """An object that is put at `commit`, whole; until then it is a file among the temporary ones."""

    def __init__(self, target: Path) -> None:
        check_writable(target)
        super().__init__(private_folder() / target.name)
        self.target = target

    def withdraw(self) -> None:
        """Take away the manifest of the object that will be replaced."""
        import obstore

        store, key = _place(str(manifest_path(self.target)))
        with _told(str(self.target)), suppress(FileNotFoundError):
            obstore.delete(store, key)

    def commit(self, describe: Callable[[], None] = lambda: None) -> None:
        """Put the sealed object; then `describe` writes its manifest, so that none is ever wrong."""
        self.withdraw()
        with self.temporary.open("rb") as content:
            put(str(self.target), content)
        describe()


def check_writable(target: Path) -> None:
    """Make sure, before any work is done, that an object's store is there and takes objects.

    Raises UsageError if it takes none; DataError if it does not answer.
    """
    import obstore

    url = str(url_of(target))
    if url.startswith("http"):
        raise UsageError(f"{shown(url)}: nothing can be written over HTTP.", fix="Name a file with -o.")
    store, key = _place(url)
    with _told(url):
        try:
            obstore.get(store, key + MANIFEST_SUFFIX)
        except FileNotFoundError as error:  # nothing is there yet, if it is no more that is missing
            if _NO_BUCKET in str(error):
                raise


def _split(url: str) -> tuple[str, str]:
    """Bucket and key of a URL."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key


def _place(url: str) -> tuple[Any, str]:
    """The store that a URL leads to, and the key in it."""
    url = url_of(url) or url
    bucket, key = (url, "") if url.startswith("http") else _split(url)
    if not key and not url.startswith("http"):
        raise UsageError(f"{shown(url)}: names no object.")
    with _told(url):
        return _store(bucket), key


def _store(url: str) -> Any:
    from obstore.store import HTTPStore, from_url

    is_plain = any(value.startswith("http://") for name, value in os.environ.items() if "ENDPOINT" in name)
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": is_plain or url.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=60),
            "timeout": timedelta(days=7),
        },
        "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
    }
    if url.startswith("http"):
        return HTTPStore.from_url(url, **options)
    if url.startswith("s3:") and "AWS_ACCESS_KEY_ID" not in os.environ and find_spec("boto3"):
        from obstore.auth.boto3 import Boto3CredentialProvider

        with suppress(ValueError):  # it finds none, and neither do files and roles
            options["credential_provider"] = Boto3CredentialProvider()
    return from_url(url, **options)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What a store answers as errors for people, without what must not be shown."""
    from obstore import exceptions

    url = url_of(url) or url
    try:
        yield
    except FileNotFoundError as error:
        if _NO_BUCKET in str(error):
            raise UsageError(f"{shown(_split(url)[0])}: there is no such bucket.") from None
        raise UsageError(f"{shown(url)}: there is no such object.") from None
    except (PermissionError, exceptions.BaseError) as error:
        reason = str(error).split("\n\nDebug source")[0]
        is_denied = isinstance(
            error, PermissionError | exceptions.PermissionDeniedError | exceptions.UnauthenticatedError
        )
        how = _CREDENTIALS.get(url.partition(":")[0])
        if is_denied or any(sign in reason for sign in _NO_CREDENTIALS):
            fix = f"Credentials are those of {how}." if how else ""
            raise DataError(f"{shown(url)}: access is denied.", fix=fix) from None
        reason = re.sub(r" in [\d.]+[mµ]?s\b.*? - ", ": ", shown(reason.replace(url, shown(url))))
        raise DataError(f"{shown(url)}: the store does not answer as it should: {reason[:300]}.") from None
