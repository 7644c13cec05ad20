"""Where she is in her workout: what she does, matched to what was planned.

She leads, the plan follows: her own changes between running and walking move the position, and a planned segment counts
as left when it, or the one behind it, is at least half done. Half (`MOSTLY`) is a design choice: less than half of a
segment is more likely an interruption than the segment, and distances by configured step lengths may be a quarter off,
so that anything near the whole would misjudge a segment that was done.

    planned  what is seen                        then
    run      not begun: she walks or stands      waits; walking to the track is no part of the workout
    run      she runs                            counts running strides; a stop stops the clock
    run      amount reached, a run behind it     goes on with that
    run      amount reached, none behind it      over: told once beyond a margin; she stays here until she ends the run
    run      over by half of the next run        the runs are merged: the walk between is skipped, and what she runs on
                                                 counts for the next run: the plan never asks for more than it did
    run      ends it, 90 % done or more          next segment, from the end of the run on
    run      ends it earlier                     interrupted: running again goes on with the same repetition, until half
                                                 of the walk behind it is done (30 s of rest before a run, when half of
                                                 the run is done): then the run is over, and was short
    walk     she walks or stands                 counts time (standing too), or metres walked
    walk     amount reached                      next segment when that is a walk; else "Run now", and waits for her
    walk     runs, half done or more             the next run, from its first stride on
    walk     runs earlier                        waits; the next run once half of that is done, and the walk was short;
                                                 a run that ends before was none (extra)
    any      the whole (`until 2mi`) is reached  the segment is cut there
    last     reached or left                     done; running on is extra, walking is walking home
    unseen   no pod linked                       she is taken to follow the plan, for 5 minutes at most (estimated)

A repetition is a run of which at least 90 % was done, with a walk or rest before it if the plan has one there.

`done_pct` is the share of the running asked for at the least (the fewest repetitions, low ends of ranges) that was
done. Each run counts up to its own amount, in its own unit; where a workout has both units, the shares are joined by
the number of runs in each. The last 2.5 s or 7 m of a run are not held against her: no boundary is surer. An open whole
counts as one run, of which done is what was covered while its pieces were not over. In a workout without a run the
walking counts. It never falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sensord.plan.amounts import (
    BOUNDARY_M,
    BOUNDARY_S,
    COMPLETE,
    asked,
    covered,
    lowered,
    margin,
    nearest,
    runs,
    share,
)
from sensord.plan.route import Route
from sensord.plan.segments import BREAK_S, Change, Counts
from sensord.plan.workout import Quantity, Step, Whole

MOSTLY = 0.5
"""Design choice, see above."""


WHOLE_SHARE = 0.02
"""Design choice: a run that ends with so little of a whole left ends the whole."""


class How(StrEnum):
    """What became of a segment (see `model_plan.SegmentDone`)."""

    DONE = "done"
    SHORT = "short"
    OVER = "over"
    MERGED = "merged"
    SKIPPED = "skipped"
    CUT = "cut"
    EXTRA = "extra"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Past:
    """A segment that is over; `step` None: nobody asked for it. `rep`: it counts as a repetition."""

    step: Step | None
    how: How
    begin: Counts
    end: Counts
    rep: bool = False


@dataclass(frozen=True, slots=True)
class Beyond:
    """She runs on though this run (None: the workout) was over at `since`."""

    step: Step | None
    since: Counts

    def by(self, now: Counts) -> tuple[float, float]:
        """Seconds and metres that she was seen running on."""
        seen, since = now.seen(), self.since.seen()
        return seen.seconds(since, run=True), seen.metres(since, run=True)


class Matcher:
    """Follows one workout. Counts may run ahead of what was seen (`Segments.live`), credit is given for what was."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.place = 0
        self.step = route.at(0)  # the present segment; None: there is none left
        self.since = Counts()  # where the present segment began
        self.begun = False  # a run counts from its first stride
        self.running = False
        self.reached = False
        self.interrupted: Counts | None = None  # the run was ended too soon: when
        self.early: Counts | None = None  # she runs in a walk that is not half done: since when
        self.beyond: Beyond | None = None
        self.reps = 0
        self._merged = False
        self._cut = False
        self._full: Counts | None = None
        self._credit_s = self._credit_m = 0.0
        self._wholes: dict[int, Counts] = {}
        self._within: dict[int, list[float]] = {}
        self._pct = 0.0

    @property
    def finished(self) -> bool:
        """Nothing is left to be done."""
        step = self.step
        return step is None or (self.reached and self.route.at(self.place + 1) is None)

    def may_end(self, now: Counts, enough: float = 1.0) -> bool:
        """Whether the fewest repetitions are done; the present one from this share on."""
        step, place = self.step, self.place
        if step is not None and runs(step) and self.begun and share(step, self.since, now) >= enough:
            place += 1
        while (step := self.route.at(place)) is not None:
            if runs(step) and not step.optional:
                return False
            place += 1
        return True

    def begin(self, at: Counts) -> None:
        """The first movement."""
        self._enter(0, at)

    def changed(self, change: Change) -> list[Past]:
        """She began to run, or ended it."""
        self.running = change.run
        return self._began(change.at) if change.run else self._ended(change.at)

    def update(self, now: Counts) -> list[Past]:
        """What has been reached by now."""
        past: list[Past] = []
        while (step := self.step) is not None:
            more = self._advance(step, now)
            if more is None:
                break
            past += more
        return past

    def end(self, now: Counts) -> list[Past]:
        """The run is over: the segment she was in. `place` is the first one that was not begun."""
        extra = [] if self.early is None else [Past(None, How.EXTRA, self.early, now)]
        step = self.step
        if step is None:
            return [Past(None, How.EXTRA, self.beyond.since, now)] if self.beyond else []
        if self.begun or (not runs(step) and share(step, self.since, now) > 0):
            past = self._close(self.interrupted or self.early or now)
            self._enter(self.place + 1, now)
            return [*past, *extra]
        return extra

    def assumed(self) -> bool | None:
        """Nobody sees her: whether the plan says that she runs from now on, or ends it; None: she goes on."""
        step = self.step
        if step is None or not self.reached or runs(step) is not self.running:
            return None
        following = self.route.at(self.place + 1)
        return following is not None and runs(following)

    def lacks(self, whole: Whole, now: Counts) -> dict[Quantity, float]:
        """Seconds or metres until an open whole is reached."""
        done = covered(whole, self._wholes[whole.number], now)
        return {
            m.quantity: max(m.high - so_far, 0.0) for m, so_far in zip(whole.amount.alternatives, done, strict=True)
        }

    def done_pct(self, now: Counts) -> float:
        """See the module; of what has been counted by now, 0 to 100."""
        planned, step = self.route.planned, self.step
        credit_s, credit_m, within = self._credit_s, self._credit_m, {n: list(v) for n, v in self._within.items()}
        if step is not None and (self.begun or not runs(step)):
            more_s, more_m = self._credit(step, now)
            credit_s, credit_m = credit_s + more_s, credit_m + more_m
            self._add_within(step, self._full or now, within)
        shares = [(planned.timed, credit_s, planned.seconds), (planned.measured, credit_m, planned.metres)]
        shares += [(1, nearest(whole, within.get(whole.number)), 1.0) for whole in planned.wholes]
        weight = sum(n for n, _, _ in shares)
        pct = 100.0 * sum(n * min(done / whole, 1.0) for n, done, whole in shares if n) / weight
        # a change is dated back by some strides: what was counted in them is not taken away again
        self._pct = max(self._pct, pct)
        return self._pct

    # ------------------------------------------------------------------------------------------ changes

    def _began(self, at: Counts) -> list[Past]:
        step = self.step
        if step is None:
            self.beyond = Beyond(None, at)
            return []
        if runs(step):
            if self.interrupted is None:
                self.since = at
            self.begun, self.interrupted = True, None
            return []
        following = self.route.after(self.place, run=True)
        walks = (self.place + 1 if following is None else following) - self.place
        if following is not None and share(step, self.since, at) / walks >= MOSTLY:
            return self._go_on(following, at)
        self.early = at
        if following is None:
            self.beyond = Beyond(None, at)
        return []

    def _ended(self, at: Counts) -> list[Past]:
        step, beyond = self.step, self.beyond
        self.beyond = None
        if step is None:
            return [] if beyond is None else [Past(None, How.EXTRA, beyond.since, at)]
        if self.early is not None:
            early, self.early = self.early, None
            return [Past(None, How.EXTRA, early, at)]
        if whole := next((w for w in step.wholes if self._is_whole(w, at, WHOLE_SHARE)), None):
            self.route.leave(whole, self.place)
            self._cut = True
            return self._go_on(self.place + 1, at)
        if self.reached or share(step, self.since, at) >= COMPLETE:
            return self._go_on(self.place + 1, at)
        if at.seconds(self.since, run=True) <= BOUNDARY_S:  # what was left of the run before it
            self.begun = False
            return []
        self.interrupted = at
        return []

    def _advance(self, step: Step, now: Counts) -> list[Past] | None:
        """One thing that has been reached, or None."""
        if self.interrupted is not None:
            return self._rested(step, self.interrupted, now)
        if self.early is not None:
            return self._in_earnest(self.early, now)
        if runs(step) and not self.begun:
            return None
        if not self.reached:
            self.reached = share(step, self.since, now, least=False) >= 1.0
        if not self._cut and (whole := next((w for w in step.wholes if self._is_whole(w, now)), None)):
            self.route.leave(whole, self.place)
            self._cut = self.reached = True
        if not self.reached:
            return None
        if self._full is None and share(step, self.since, now, least=False) >= margin(asked(step), step):
            self._full = now
        at = now if self._cut else lowered(step, self.since, now)
        return self._behind(step, at, now)

    def _behind(self, step: Step, at: Counts, now: Counts) -> list[Past] | None:
        """The segment's amount was reached at `at`: what follows that waits for no change of hers."""
        following = self.route.at(self.place + 1)
        if following is not None and runs(following) is runs(step):
            return self._go_on(self.place + 1, at)
        if not runs(step):
            return self._go_on(self.place + 1, at) if following is None else None
        if self.beyond is None and self.running:
            self.beyond = Beyond(step, at)
        after = self.route.after(self.place, run=True)
        if after is None or not self.running:
            return None
        upcoming = self.route.at(after)
        assert upcoming is not None
        if share(upcoming, at.seen(), now.seen()) < MOSTLY:
            return None
        past = self._go_on(after, at)
        self._merged = True
        return past

    def _rested(self, step: Step, since: Counts, now: Counts) -> list[Past] | None:
        """A run was ended too soon: has she rested enough for it to be over?"""
        following = self.route.at(self.place + 1)
        if following is None:
            return None
        if runs(following):
            enough = now.seconds(since, run=False) >= BREAK_S and share(step, self.since, since) >= MOSTLY
        else:
            enough = share(following, since, now) >= MOSTLY
        return self._go_on(self.place + 1, since) if enough else None

    def _in_earnest(self, since: Counts, now: Counts) -> list[Past] | None:
        """She runs in a walk: has she run so long that it is the next run?"""
        place = self.route.after(self.place, run=True)
        step = None if place is None else self.route.at(place)
        if place is None or step is None or share(step, since, now) < MOSTLY:
            return None
        self.early = None
        return self._go_on(place, since)

    def _go_on(self, place: int, at: Counts) -> list[Past]:
        """The present segment is over at `at`, those up to `place` are skipped."""
        past = self._close(at)
        past += [Past(self.route.at(between), How.SKIPPED, at, at) for between in range(self.place + 1, place)]
        self._enter(place, at)
        return past

    def _enter(self, place: int, at: Counts) -> None:
        self.place, self.step, self.since = place, self.route.at(place), at
        self.reached = self._merged = self._cut = False
        self.interrupted = self._full = None
        step = self.step
        self.begun = self.running and step is not None and runs(step)
        for whole in () if step is None else step.wholes:
            self._wholes.setdefault(whole.number, at)

    def _close(self, at: Counts) -> list[Past]:
        step = self.step
        assert step is not None
        done = share(step, self.since, at)
        rep = runs(step) and done >= COMPLETE and not self._merged
        if self._merged:
            how = How.MERGED
        elif done < COMPLETE:
            how = How.CUT if self._cut else How.SHORT
        else:
            passed = share(step, self.since, at, least=False) > margin(asked(step), step)
            how = How.OVER if passed else How.DONE
        more_s, more_m = self._credit(step, at)
        self._credit_s, self._credit_m = self._credit_s + more_s, self._credit_m + more_m
        self._add_within(step, self._full or at, self._within)
        self.reps += rep
        return [Past(step, how, self.since, at, rep)]

    # ------------------------------------------------------------------------------------------ amounts

    def _credit(self, step: Step, now: Counts) -> tuple[float, float]:
        """Seconds and metres that count towards what was asked for."""
        if step.optional or step.wholes or runs(step) is not self.route.planned.run:
            return 0.0, 0.0
        amount = asked(step, least=True)
        spare = min((BOUNDARY_S if step.time_s is not None else BOUNDARY_M) / amount, 1.0 - COMPLETE)
        done = share(step, self.since, now)
        credit = amount * (1.0 if done >= 1.0 - spare else done)
        return (credit, 0.0) if step.time_s is not None else (0.0, credit)

    def _add_within(self, step: Step, now: Counts, within: dict[int, list[float]]) -> None:
        """What a segment covers of the open whole that it is in."""
        for whole in step.wholes[:1]:
            more = covered(whole, self.since, now)
            before = within.get(whole.number, [0.0] * len(more))
            within[whole.number] = [a + b for a, b in zip(before, more, strict=True)]

    def _is_whole(self, whole: Whole, now: Counts, spare: float = 0.0) -> bool:
        lacks = self.lacks(whole, now)
        return any(lacks[m.quantity] <= spare * m.high for m in whole.amount.alternatives)
