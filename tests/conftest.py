"""Shared by all tests: the real recordings (when they are there), and the count of what was left out without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
"""The suite tries the same examples every time: a failure then has to do with a change. `make explore` tries others."""


@pytest.fixture(scope="session")
def sensord_data() -> Path:
    """The folder of real recordings, named by SENSORD_DATA."""
    return Path(os.environ["SENSORD_DATA"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without real recordings, what needs them is left out by name and number."""
    if os.environ.get("SENSORD_DATA"):
        return
    needing = [item for item in items if item.get_closest_marker("data")]
    reason = f"SENSORD_DATA names no folder of real recordings: {len(needing)} tests left out"
    for item in needing:
        item.add_marker(pytest.mark.skip(reason=reason))
