"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from warm_commands import WarmCommands

# Examples take as long as a busy machine lets them; the same ones each time, so that a red run can be repeated.
settings.register_profile("adcli", deadline=None, derandomize=True)
settings.load_profile("adcli")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files, where it lies beside the checkout."""
    if not (SHARED_DATA / "README.md").exists():
        pytest.skip("the folder of real data is not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def warm_commands() -> Iterator[WarmCommands]:
    """Commands as their users start them, without the seconds in which libraries are loaded."""
    with WarmCommands() as commands:
        yield commands


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no worker is left alone with it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
