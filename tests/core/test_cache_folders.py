"""A cache folder that can not be made or written is no reason to stop."""

import stat
import tempfile

import pytest

from adcli.core.cache import cache_directory, writable_directory
from adcli.errors import UsageError


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, beside a cache folder that can not be made, not even by root."""
    (tmp_path / "file").touch()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("ADCLI_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_cache_that_can_not_be_made_is_the_users_among_the_temporary_files(temporary):
    for directory in (cache_directory("vectors"), writable_directory("work")):
        assert directory.parent.parent == temporary
        assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700


def test_a_cache_that_is_made_is_its_users_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("ADCLI_CACHE", str(tmp_path / "own" / "cache"))
    assert stat.S_IMODE(cache_directory("vectors").parent.stat().st_mode) == 0o700


def test_a_folder_of_another_is_not_used(temporary, tmp_path):
    own = writable_directory("work").parent
    own.rename(tmp_path / "moved")
    own.symlink_to(tmp_path / "moved")
    with pytest.raises(UsageError, match="Set ADCLI_CACHE"):
        cache_directory("vectors")


def test_a_cache_that_may_only_be_read_is_read_and_not_written(tmp_path, temporary, monkeypatch):
    monkeypatch.setenv("ADCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.access", lambda path, mode: str(path).startswith(str(temporary)))
    assert cache_directory("vectors") == tmp_path / "cache" / "vectors"
    assert writable_directory("work").parent.parent == temporary
