"""A daemon that runs beside a test."""

from __future__ import annotations

import asyncio

import pytest

from sensord.datadir import DataDir


async def run_on(data: DataDir) -> None:
    """Waits until the daemon of this directory has a page to be asked through and a run is on."""
    for _ in range(200):
        if (data.path / "daemon.json").exists() and list(data.runs.glob("*.run")):
            return
        await asyncio.sleep(0.05)
    pytest.fail("no run began")
