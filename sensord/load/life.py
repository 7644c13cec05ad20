"""The life of a run: ready, running, paused, running again, ended.

    state     linked   stride    quiet 30 s   quiet 10 min   no pod 10 min   end
    -         ready    running   -            -              -               ended
    ready     -        running   -            ended          ended           ended
    running   -        -         paused       ended          ended           ended
    paused    -        running   -            ended          ended           ended
    ended     -        -         -            -              -               -

Times come from inputs only: strides say when the foot last moved, ticks say how late it is.
"""

from __future__ import annotations

from enum import Enum, auto

from sensord.model import NS, RunChange, RunState, Stride, Tick

PAUSE_AFTER_S = 30
"""No stride for so long: paused (design choice; a traffic light is shorter)."""

END_AFTER_S = 600
"""No stride, or no pod, for so long: ended (design choice)."""


class _Signal(Enum):
    LINKED = auto()
    STRIDE = auto()
    QUIET = auto()
    OVER = auto()
    GONE = auto()
    END = auto()


_NEXT: dict[tuple[RunState | None, _Signal], tuple[RunState, str]] = {
    (None, _Signal.LINKED): (RunState.READY, "pod linked"),
    (None, _Signal.STRIDE): (RunState.RUNNING, "first stride"),
    (None, _Signal.END): (RunState.ENDED, "command"),
    (RunState.READY, _Signal.STRIDE): (RunState.RUNNING, "first stride"),
    (RunState.READY, _Signal.OVER): (RunState.ENDED, "no strides"),
    (RunState.READY, _Signal.GONE): (RunState.ENDED, "no pod for 10 min"),
    (RunState.READY, _Signal.END): (RunState.ENDED, "command"),
    (RunState.RUNNING, _Signal.QUIET): (RunState.PAUSED, "no stride for 30 s"),
    (RunState.RUNNING, _Signal.OVER): (RunState.ENDED, "no stride for 10 min"),
    (RunState.RUNNING, _Signal.GONE): (RunState.ENDED, "no pod for 10 min"),
    (RunState.RUNNING, _Signal.END): (RunState.ENDED, "command"),
    (RunState.PAUSED, _Signal.STRIDE): (RunState.RUNNING, "strides again"),
    (RunState.PAUSED, _Signal.OVER): (RunState.ENDED, "no stride for 10 min"),
    (RunState.PAUSED, _Signal.GONE): (RunState.ENDED, "no pod for 10 min"),
    (RunState.PAUSED, _Signal.END): (RunState.ENDED, "command"),
}


class RunLife:
    """Where a run is in its life. Each method returns the changes its input causes: none or one."""

    def __init__(self) -> None:
        self.state: RunState | None = None
        self._now_ns = 0
        self._last_sign_ns = 0  # the newest stride; before the first one, the moment the run became ready
        self._gone_since_ns: int | None = None

    def on_link(self, t_ns: int, any_up: bool) -> list[RunChange]:
        """A link went up or down; `any_up`: is any pod linked now."""
        self._now_ns = max(self._now_ns, t_ns)
        if not any_up:
            if self._gone_since_ns is None:
                self._gone_since_ns = t_ns
            return []
        self._gone_since_ns = None
        if self.state is None:
            self._last_sign_ns = t_ns
        return self._go(_Signal.LINKED)

    def on_stride(self, stride: Stride) -> list[RunChange]:
        """A stride of either foot. One that is already older than the pause is kept in mind, but starts nothing."""
        return self.on_moved(stride.ic_run_ns if stride.next_ic_run_ns is None else stride.next_ic_run_ns)

    def on_moved(self, end_ns: int | None) -> list[RunChange]:
        """She moved until `end_ns` (None: nobody knows when), as a stride or a sensor says."""
        if end_ns is not None:
            self._last_sign_ns = max(self._last_sign_ns, end_ns)
            if self.state is RunState.PAUSED and self._now_ns - end_ns >= PAUSE_AFTER_S * NS:
                return []
        return self._go(_Signal.STRIDE)

    def on_tick(self, tick: Tick) -> list[RunChange]:
        """A second has passed: what silence means by now."""
        self._now_ns = max(self._now_ns, tick.t_ns)
        if self.state is None:
            return []
        quiet_ns = self._now_ns - self._last_sign_ns
        if self._gone_since_ns is not None and self._now_ns - self._gone_since_ns >= END_AFTER_S * NS:
            return self._go(_Signal.GONE)
        if quiet_ns >= END_AFTER_S * NS:
            return self._go(_Signal.OVER)
        if quiet_ns >= PAUSE_AFTER_S * NS:
            return self._go(_Signal.QUIET)
        return []

    def on_command(self, t_ns: int, name: str) -> list[RunChange]:
        """A command; only "end" concerns the life of a run, others are for somebody else."""
        self._now_ns = max(self._now_ns, t_ns)
        return self._go(_Signal.END) if name == "end" else []

    def _go(self, signal: _Signal) -> list[RunChange]:
        step = _NEXT.get((self.state, signal))
        if step is None:
            return []
        self.state, reason = step
        return [RunChange(self.state, reason)]
