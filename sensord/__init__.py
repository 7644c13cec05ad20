"""sensord: foot-pod gait monitoring for runners in rehabilitation and their physical therapists.

    sensord.analyse(left="left.csv", right="right.csv")     recordings in, tables out
    sensord.open_run("01J....run")                          a kept run: setup, inputs, what is damaged in it
    sensord.replay("01J....run")                            its events again, byte for byte

Each is imported when it is first used, so that `import sensord` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensord.analysis import Analysis, analyse
    from sensord.playback import open_run, replay
    from sensord.recording import RecordedRun

__all__ = ["Analysis", "RecordedRun", "analyse", "open_run", "replay"]

_HOME = {
    "Analysis": "sensord.analysis",
    "RecordedRun": "sensord.recording",
    "analyse": "sensord.analysis",
    "open_run": "sensord.playback",
    "replay": "sensord.playback",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """The public names, from where they live."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOME[name]), name)
