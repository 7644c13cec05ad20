"""import-linter holds every driver to the core's rule, also the next one."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITH_IO = {"__init__", "connection", "inbox", "link", "log_link", "radio"}
"""The rooms that hold the radio."""


def test_no_driver_is_left_out_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (core,) = (c for c in contracts if c["name"].startswith("the core has no asyncio"))
    pure = {path.stem for path in (ROOT / "sensord" / "drivers").glob("*.py")} - WITH_IO
    assert {f"sensord.drivers.{name}" for name in pure} <= set(core["source_modules"])
