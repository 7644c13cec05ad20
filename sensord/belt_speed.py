"""The treadmill's speed, told to the run that is on from the command line."""

from __future__ import annotations

import getpass

from sensord.config import Settings
from sensord.daemon_door import ask_the_run
from sensord.files.speed_words import parse_speed_mps
from sensord.model import Json


async def tell_speed(settings: Settings, text: str, grade_pct: float | None = None) -> Json:
    """Tell the daemon's run the belt speed from now on: {run, t_ns, speed_mps}; InputError: it cannot."""
    speed = parse_speed_mps(text)
    said = {"speed": "off" if speed is None else text, "who": getpass.getuser()}
    if grade_pct is not None:
        said["grade_pct"] = f"{grade_pct:g}"
    return await ask_the_run(settings, "/api/run/speed", said)
