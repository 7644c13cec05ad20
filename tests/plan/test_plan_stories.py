"""What limits and the progress of a workout say in short runs, word for word (`tests.plan.stories`)."""

from __future__ import annotations

import pytest

from tests.plan.stories import BY_LIMITS, BY_PROGRESS, FILES, FOLDER, stories_of

LIMITS, PROGRESS = (stories_of((FOLDER / name).read_text(encoding="utf-8")) for name in FILES)


@pytest.mark.parametrize("name", BY_LIMITS)
def test_a_limit_says_this_and_nothing_else(name: str) -> None:
    assert BY_LIMITS[name]() == LIMITS[name]


@pytest.mark.parametrize("name", BY_PROGRESS)
def test_progress_says_this_and_nothing_else(name: str) -> None:
    assert BY_PROGRESS[name]() == PROGRESS[name]


def test_the_files_hold_these_stories() -> None:
    assert ([*LIMITS], [*PROGRESS]) == ([*BY_LIMITS], [*BY_PROGRESS])
