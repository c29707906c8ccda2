"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

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
