"""Walking and running as segments: when she began to run, when she stopped running, and what was counted by then.

                  run strides >= 5 s            walk strides >= 5 s, or standing >= 30 s
    not running -----------------------> running ---------------------------------------> not running

A change is believed when strides of the other kind have covered `CONFIRM_S` and outweigh the contrary ones among them.
It is dated back to where the strides before and behind agree best: a cumulative sum of evidence (Page 1954,
doi:10.1093/biomet/41.1-2.100). So single odd strides, a dodge round a puddle or the slowing down
before a traffic light change nothing, and a boundary is as exact as the strides are. Standing is no segment: it stops
the clock of a run (only strides count) and not that of a walk. Standing for half a minute ends a run: it is a break and
no traffic light.

Either foot will do: time is counted once, by how far it has been seen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sensord.model import NS, Activity, changed

CONFIRM_S = 5.0
"""Design choice: shorter than the shortest run in print (30 s) and than any cue's patience, longer than the steps
before and after a stop."""

CONTRARY = 1.5
"""Design choice: how much more a contrary stride weighs. One among the first three undoes no change, two in five do."""

LOOK_BACK = 12
"""Strides of either foot that a change may be dated back beyond its last rise. Design choice."""

STOP_S = 3.0
"""Design choice: without a stride for so long she stands; walking steps right before it were slowing down."""

BREAK_S = 30.0
"""Standing for so long is a break: where a run is called paused, too (load/life.py)."""

LATE_S = 3.0
"""Design choice: by how much strides may be told late (1.5 s are usual). Until then she is taken to go on; so is the
end of a stop."""

LOST_S = 300.0
"""A longer loss of all pods is a break, as in load/totals.py: nobody is followed through it."""

PACE_S = 10.0
"""Design choice: a pace is known after so many seconds of walking or running."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What has come together until `t_ns`: seconds running, metres running and walking; how much of it nobody saw."""

    t_ns: int = 0
    run_s: float = 0.0
    run_m: float = 0.0
    walk_m: float = 0.0
    unseen_s: float = 0.0
    unseen_run_s: float = 0.0
    unseen_run_m: float = 0.0

    def seconds(self, since: Counts, *, run: bool) -> float:
        """Since then: running, or everything else that the clock showed."""
        run_s = self.run_s - since.run_s
        return max(run_s if run else (self.t_ns - since.t_ns) / NS - run_s, 0.0)

    def metres(self, since: Counts, *, run: bool) -> float:
        """Since then, running or walking."""
        return max(self.run_m - since.run_m if run else self.walk_m - since.walk_m, 0.0)

    def seen(self) -> Counts:
        """Without the running that nobody saw."""
        return changed(self, run_s=self.run_s - self.unseen_run_s, run_m=self.run_m - self.unseen_run_m)


@dataclass(frozen=True, slots=True)
class Change:
    """She began to run (`run`), or ended it, and what had been counted by then."""

    run: bool
    at: Counts


@dataclass(frozen=True, slots=True)
class _Seen:
    """A stride, and what had been counted before it; `at` dated as a change that begins with it would be."""

    run: bool
    span_ns: int
    at: Counts


@dataclass(slots=True)
class _Turn:
    """A change that is not believed yet."""

    at: Counts
    score_ns: int = 0
    moved_ns: int = 0


class Segments:
    """Strides in, changes out. State is a handful of numbers."""

    def __init__(self) -> None:
        self.running = False
        self.counts = Counts()
        self.last_ns: int | None = None  # until when she was seen moving, or taken to
        self._run_end_ns = 0
        self._turn: _Turn | None = None
        self._recent: deque[_Seen] = deque(maxlen=LOOK_BACK)
        self._before: list[_Seen] = []  # those before the present turn
        self._lost_ns = 0  # how long nobody has seen her by now
        self._walked = (0, 0.0)  # ns and m in walking strides, for the pace

    def add(self, activity: Activity, begin_ns: int, end_ns: int, *, run_m: float, walk_m: float) -> list[Change]:
        """A stride of either foot, or what a sensor says; the metres are what the totals grew by with it."""
        changes = self._after_silence(begin_ns)
        self._lost_ns = 0
        before = self.counts
        seen_ns = begin_ns if self.last_ns is None else max(begin_ns, self.last_ns)
        new_ns = max(0, end_ns - seen_ns)
        run = activity is Activity.RUN
        self.last_ns = max(end_ns, seen_ns)
        self.counts = changed(
            before,
            t_ns=max(before.t_ns, end_ns),
            run_s=before.run_s + (new_ns / NS if run else 0.0),
            run_m=before.run_m + run_m,
            walk_m=before.walk_m + walk_m,
        )
        if not run:
            self._walked = (self._walked[0] + new_ns, self._walked[1] + walk_m)
        at = changed(before, t_ns=self._run_end_ns if self.running else begin_ns)
        self._recent.append(_Seen(run, end_ns - begin_ns, at))
        if run is self.running:
            self._agree(end_ns - begin_ns)
            if run and self._turn is None:
                self._run_end_ns = max(self._run_end_ns, end_ns)
            return changes
        if self._turn is None:
            self._turn = _Turn(at)
            self._before = [*self._recent][:-1]
        self._turn.score_ns += end_ns - begin_ns
        self._turn.moved_ns += new_ns
        if self._turn.moved_ns >= CONFIRM_S * NS:
            changes.append(self._change(self._earliest(self._turn.at, run=run)))
            if run:
                self._run_end_ns = end_ns
        return changes

    def still(self, t_ns: int) -> list[Change]:
        """A second has passed: has she stood so long that a run is over?"""
        if self.running and self.last_ns is not None and t_ns - self.last_ns >= (BREAK_S + LATE_S) * NS:
            return [self._stood()]
        return []

    def live(self, t_ns: int) -> Counts:
        """What will have been counted by now if she goes on as she does: strides are told late, the time is not."""
        if self.last_ns is None:
            return self.counts
        ahead_ns = t_ns - self.last_ns
        ahead = self.running and self._turn is None and 0 < ahead_ns <= LATE_S * NS
        return changed(
            self.counts,
            t_ns=max(self.counts.t_ns, t_ns),
            run_s=self.counts.run_s + (ahead_ns / NS if ahead else 0.0),
        )

    def unseen(self, t_ns: int) -> bool:
        """No pod is linked: until `t_ns` she is taken to go on. False when that is for too long."""
        if self.last_ns is None or t_ns <= self.last_ns:
            return True
        new_ns = t_ns - self.last_ns
        if self._lost_ns + new_ns > LOST_S * NS:
            return False
        self._lost_ns += new_ns
        self._turn = None
        self._recent.clear()
        now, seconds = self.counts, new_ns / NS
        run_s = seconds if self.running else 0.0
        run_m = run_s * self._pace_mps(run=True)
        self.counts = changed(
            now,
            t_ns=t_ns,
            run_s=now.run_s + run_s,
            run_m=now.run_m + run_m,
            walk_m=now.walk_m + (seconds - run_s) * self._pace_mps(run=False),
            unseen_s=now.unseen_s + seconds,
            unseen_run_s=now.unseen_run_s + run_s,
            unseen_run_m=now.unseen_run_m + run_m,
        )
        self.last_ns = t_ns
        if self.running:
            self._run_end_ns = t_ns
        return True

    def assume(self, *, run: bool) -> Counts:
        """Nobody sees her, and the plan says that she changes now."""
        self.running, self._turn = run, None
        self._run_end_ns = self.counts.t_ns
        return self.counts

    def _pace_mps(self, *, run: bool) -> float:
        seen = self.counts.seen()
        seconds, metres = (seen.run_s, seen.run_m) if run else (self._walked[0] / NS, self._walked[1])
        return metres / seconds if seconds >= PACE_S else 0.0

    def _after_silence(self, begin_ns: int) -> list[Change]:
        silent_ns = 0 if self.last_ns is None else begin_ns - self.last_ns
        if self.running and silent_ns >= BREAK_S * NS:
            return [self._stood()]
        if silent_ns >= STOP_S * NS:
            self._turn = None
            self._recent.clear()
        return []

    def _earliest(self, at: Counts, *, run: bool) -> Counts:
        """Where the change was: odd strides right behind it may have undone its first signs, so that strides before the
        turn belong to it if most of them are of the new kind."""
        sum_ns = best_ns = 0
        for seen in reversed(self._before):
            sum_ns += seen.span_ns if seen.run is run else -seen.span_ns
            if sum_ns > best_ns:
                best_ns, at = sum_ns, seen.at
        return at

    def _agree(self, stride_ns: int) -> None:
        if self._turn is None:
            return
        self._turn.score_ns -= round(CONTRARY * stride_ns)
        if self._turn.score_ns <= 0:
            self._turn = None

    def _stood(self) -> Change:
        at = self._turn.at if self._turn else changed(self.counts, t_ns=self._run_end_ns)
        return self._change(at)

    def _change(self, at: Counts) -> Change:
        self.running, self._turn = not self.running, None
        self._recent.clear()
        return Change(self.running, at)
