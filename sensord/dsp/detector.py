"""From grid rows with a known pitch axis to contacts and strides.

Mid-swing opens a contact; the beginning of the next swing closes it, and with it the stride before. What the window in
between looks like decides whether the rule of walking or that of running reads the contact. When she stops, the last
contact is closed by its initial contact alone (the end of the last stride); when the signal is lost, it keeps a row of
its own whose next contact is unknown.
"""

from __future__ import annotations

import numpy as np

from sensord.dsp.activity import CLEAR, run_score
from sensord.dsp.alignment import NO_AXIS, Axis, directions_across
from sensord.dsp.braking import Habit
from sensord.dsp.contact import PAD_S, Found, find_contact
from sensord.dsp.filters import LowPass, highest, norm
from sensord.dsp.gate import SWING_CUTOFF_HZ, MidSwingGate, Swing, TouchDown
from sensord.dsp.ground import REST_RADPS, REST_S, on_ground
from sensord.dsp.history import History
from sensord.dsp.impact import AFTER_NS, BEFORE_NS, RawSamples
from sensord.dsp.pivot import find_pivots
from sensord.dsp.stretch import ACC, BRIDGED, GYR, Looked, PitchLine, Stretch, size
from sensord.dsp.strides import Landing, StrideRows
from sensord.dsp.trajectory import Rested, StrideMotion, StrideRowsOf, stride_motion
from sensord.dsp.walking import WalkWindow
from sensord.model import NS, Activity, Contact, FloatArray, Side, Stride

UNSURE_RADPS = 0.01
"""Design choice: the bias of the gyroscope may move by so much while samples wait."""

SHORTEST_STRIDE_NS = 400_000_000
"""Design choice: nobody takes more than 150 strides a minute with one foot (sprinters: 140); it is shaken."""

OVERDUE = 1.1
AGAIN_S = 0.1
"""Design choices: a foot that rests and has not begun to swing this much of its last stride time after mid-swing
stands, or slows down. The stride before is told then, about one stride time after it ended, and not when standing is
sure; looked at again so much later if the foot is unquiet. Stride times vary by 1 to 3 %."""

TURNING = 2
"""Design choice: turning steps keep a contact open for two of the longest strides at most; then she stands and shifts
her feet."""

OFF_AXIS = 0.5
"""Design choice: a runner's foot whose turning lies along the axis by less than half of the share it had when the axis
was found turns about another: the pod sits another way now (turned by 50 degrees or more). In recorded running no
stride had less than 0.63 of that share."""

OFF_IN_A_ROW = 3
"""Design choice: in walking, turning steps have less, too: so many in a row must (a turn takes a foot one or two)."""

NEAR_NS = 30_000_000
NEAR_LOST_NS = 20_000_000
"""Design choices: more than 20 ms lost within 30 ms of a contact leave its time in doubt."""


class Detector:
    """Contacts and strides of one foot; holds one open contact and the stride before it."""

    def __init__(self, side: Side, rate_hz: float, max_stride_s: float, *, provisional: bool = True) -> None:
        self._side = side
        self._provisional = provisional
        self._rate_hz = rate_hz
        self._longest = round(max_stride_s * rate_hz)
        self._pad = round(PAD_S * rate_hz)
        self._slow = LowPass(SWING_CUTOFF_HZ, rate_hz)
        self._gate = MidSwingGate(rate_hz, self._slow.delay_s, max_stride_s)
        self._touch = TouchDown(rate_hz)
        self._jerk_row = 0
        self.rows = StrideRows(side, rate_hz)
        self._begin_row = 0
        self.swing_row: int | None = None
        """The mid-swing whose contact is open."""
        self.last_row = 0
        """Row of the latest mid-swing, open or not."""
        self.stood_mps2: FloatArray | None = None
        """The pull when she last stood (3,), pod axes."""
        self._last: Landing | None = None
        self._habit = Habit()
        self._due_row: int | None = None
        self._told = False
        """Whether the open contact has ended the stride before already."""
        self._off = 0
        self._rested: Rested | None = None
        self._looked: Looked | None = None
        self._use(NO_AXIS, np.zeros(3))
        self._rehearses = False
        """Whether contacts alone are wanted, and not what else the foot did."""

    def rehearse(self, start: int, end: int, axis: Axis, bias: FloatArray) -> None:
        """Learn from rows that waited for the axis how this foot lands, so that the first strides are read by it."""
        twin = Detector(self._side, self._rate_hz, self._longest / self._rate_hz, provisional=False)
        twin._rehearses = True
        twin.begin(self._stretch, self._history, self._raw)
        twin.restart(start)
        twin.run(start, end, axis, bias, live=False)
        self._habit = twin._habit

    def begin(self, stretch: Stretch, history: History, raw: RawSamples) -> None:
        """A stretch of unbroken signal begins."""
        self._stretch, self._history, self._raw = stretch, history, raw
        self.restart(0)

    def time_ns(self, row: float) -> int:
        """Pod time of a (fractional) row of this stretch."""
        return self._stretch.time_ns(row)

    def restart(self, row: int) -> None:
        """Forget what is open: rows from `row` on are gone through anew."""
        self._begin_row = self.last_row = row
        self._slow.reset()
        self._forget(row)

    def run(self, start: int, end: int, axis: Axis, bias: FloatArray, *, live: bool) -> list[Contact | Stride]:
        """Rows start..end-1 of the history. Provisional contacts only when `live`."""
        if axis is not self._axis or bias is not self._bias:
            self._use(axis, bias)
        pitch = self._line.rates(self._history.rows(start, end)[:, GYR])
        found = self._gate.push(start, self._slow.push(pitch))
        out: list[Contact | Stride] = []
        if not (found or self._touch.armed or (self._due_row is not None and self._due_row < end)):
            return out
        at = start
        for row, swing, mid_row in [*found, (end, Swing.NOTHING, 0)]:
            while self._due_row is not None and self._due_row < row:
                due = self._due_row
                out += self._touched(at, pitch[at - start : due - start], live=live)
                at = due
                out += self._overdue(due)
            out += self._touched(at, pitch[at - start : row - start], live=live)
            at = row
            if swing is Swing.BEGINS:
                out += self._left_ground(row + 1)
                self._arm(row)
            elif swing is Swing.PASSED:
                self._swung(max(mid_row, self._begin_row))
        return out

    def hurries(self, end: int, gyr_radps: FloatArray) -> bool:
        """Whether rows before `end`, with these samples (n, 3) as the last, should be run at once: a provisional
        contact may show in them, or a foot that rests is overdue."""
        if self._due_row is not None and self._due_row < end:
            return True
        if not self._touch.armed:
            return False
        return min(gyr_radps.dot(self._axis.vector).tolist(), default=0.0) < self._line.offset + UNSURE_RADPS

    def _use(self, axis: Axis, bias: FloatArray) -> None:
        """From now on this axis and this bias of the gyroscope."""
        self._axis, self._bias = axis, bias
        self._line = PitchLine.of(axis.vector, bias)
        self._across = directions_across(axis.vector)

    def _swung(self, row: int) -> None:
        """Mid-swing was at this row: a contact is open now."""
        self._due_row = None if self._last is None else row + round(OVERDUE * (row - self.last_row))
        self.swing_row = self.last_row = row
        self._told = False

    def _overdue(self, row: int) -> list[Stride]:
        """No swing has begun until this row. If the foot rests, the stride before its contact is told; that is kept."""
        self._due_row = None
        if self.swing_row is None or self._last is None:
            return []
        turning = norm(self._history.rows(max(row - round(REST_S * self._rate_hz), 0), row)[:, GYR] - self._bias)
        if highest(turning) >= REST_RADPS:
            self._due_row = row + round(AGAIN_S * self._rate_hz)
            return []
        landings = self._land(self.swing_row, row, row, whole=False)
        if not landings:
            return []
        self._told = True
        # as long before as `_motion` looks ahead: what has arrived since must not matter
        rests_ns = max(self._stretch.time_ns(row - self._pad - 1), landings[0].ic_ns + 1)
        return self._strides_to([landings[0]._replace(rests_ns=rests_ns)])

    def _arm(self, row: int) -> None:
        """A swing begins at this row: wait for the contact after it."""
        if not self._provisional:
            return
        self._touch.arm(self._hardest_jerk(max(self._jerk_row, row - self._longest), row))
        self._jerk_row = row

    def _hardest_jerk(self, start: int, end: int) -> float:
        """The largest jerk in m/s3 in rows start..end-1 in which the foot turns toe-down; 0 when it never does."""
        looked = self._looked
        if looked is not None and looked.first <= start and end - looked.first <= len(looked.acc_mps2):
            inside = slice(start - looked.first, end - looked.first)
            size, pitch = looked.acc_mps2[inside], looked.pitch_radps[inside]
        else:
            rows = self._history.rows(start, end)
            size, pitch = norm(rows[:, ACC]), self._line.along(rows[:, GYR])
        jerk = np.abs(size[1:] - size[:-1])
        jerk *= pitch[1:] < 0.0
        return highest(jerk) * self._rate_hz if len(jerk) else 0.0

    def _touched(self, start: int, pitch: list[float], *, live: bool) -> list[Contact]:
        """The provisional contact, if it shows in the rows from `start` on."""
        if not self._touch.armed:
            return []

        def jerk_mps3(i: int) -> float:
            before, now = self._history.rows(start + i - 1, start + i + 1)[:, ACC].tolist()
            return abs(size(*now) - size(*before)) * self._rate_hz

        shown = self._touch.push(pitch, jerk_mps3)
        return [] if shown is None or not live else [Contact(self._side, self._stretch.time_ns(start + shown))]

    def close(self, end: int, *, lost: bool) -> list[Stride]:
        """No further mid-swing will come (she stopped, or the signal was `lost`): close what is open at row `end`."""
        out: list[Stride] = []
        if self.swing_row is not None:
            landings = self._land(self.swing_row, min(end, self.swing_row + self._longest), end, whole=False)
            out += self._strides_to(self._but_told(landings or []))
        if lost and self._last is not None:
            out.append(self._row(self._last, None, lost=True))
        self._forget(end)
        if not lost:
            self.rows.stopped()
        return out

    def _forget(self, row: int) -> None:
        self.swing_row = self._due_row = None
        self._last = None
        self._told = False
        self._off = 0
        self._rested = self._looked = None
        self._gate.reset()
        self._touch.reset()
        self._jerk_row = row

    def _left_ground(self, known: int) -> list[Stride]:
        """A swing begins at row `known` - 1: the contact that was open is over."""
        before, stopped = self.swing_row, self.pauses(known)
        self.swing_row = self._due_row = None
        if before is None:
            return []
        end = min(known, before + self._longest) if stopped else known
        landings = self._land(before, end, known, whole=not stopped)
        if landings is None:
            stopped, landings = True, []
        landings = self._but_told(landings)
        out = self._strides_to(landings)
        if not landings and not stopped and self._last is not None:
            out.append(self._row(self._last, None, lost=True))
        if stopped:
            self.rows.stopped()
        if stopped or not landings:
            self._last = None
        return out

    def pauses(self, row: int) -> bool:
        """Whether the open contact is too old at this row for a stride to follow it.

        Its age counts from mid-swing or, when she walks, from when the last turning step was set down.
        """
        swing = self.swing_row
        if swing is None or row - swing <= self._longest:
            return False
        if row - swing > TURNING * self._longest or self.rows.activity is Activity.RUN:
            return True
        steps = find_pivots(norm(self._history.rows(swing, row)[:, GYR] - self._bias), self._rate_hz)
        return not steps or row - swing - steps[-1][1] > self._longest

    def _but_told(self, landings: list[Landing]) -> list[Landing]:
        """Landings of the open contact's window. If that has ended a stride already, it stays when it was."""
        told = self._last
        if not self._told or told is None:
            return landings
        self._last, self._told = None, False  # no stride is told twice
        return [landings[0]._replace(ic_ns=told.ic_ns), *landings[1:]] if landings else [told]

    def _land(self, swing: int, end: int, known: int, *, whole: bool) -> list[Landing] | None:
        """Contacts from mid-swing to row `end` (`whole`: where the next swing begins); rows before `known` may be seen.

        One, but for turning steps; none when the foot did not land; None when it is no gait: there is no ground (a
        pedal), or the foot moves as fast as a runner's and does not push off (tapping).
        """
        first, last = max(self._begin_row, swing - self._pad), min(known, end + self._pad)
        rows = self._history.rows(first, last)
        pitch, turning = self._line.along(rows[:, GYR]), norm(rows[:, GYR] - self._bias)
        walk = WalkWindow(pitch, turning, (first, swing, end), self._rate_hz)
        score = run_score((end - swing) / self._rate_hz, walk.signs) if whole else None
        if self._runs(score):
            plane = rows[:, ACC] @ self._across
            one = find_contact(pitch, first, swing, end, self._rate_hz, plane, self._habit)
            found = [] if one is None else [one]
        else:
            found = walk.contacts()
        bridged = self._history.marked_end > first and bool(rows[:, BRIDGED].any())
        if found and not bridged:
            size = norm(rows[:, ACC])
            self._looked = Looked(first, size, pitch)
            taps = score is not None and score > 0.0 and found[-1].tc_row is None
            if taps or not any(on_ground(size, turning, contact.ic_row - first, self._rate_hz) for contact in found):
                return None
        inside = slice(swing - first, end - first)
        off_axis = self._off_axis(pitch[inside], turning[inside])
        return [self._landing(contact, score, last if bridged else None, off_axis=off_axis) for contact in found]

    def _off_axis(self, pitch: FloatArray, turning: FloatArray) -> bool:
        """Whether a window's turning (n,) is so little about the pitch axis that the pod must have moved."""
        share = float(pitch.dot(pitch)) / max(float(turning.dot(turning)), 1e-12)
        self._off = self._off + 1 if share < OFF_AXIS * self._axis.share else 0
        return self._off >= (OFF_IN_A_ROW if self.rows.activity is Activity.WALK else 1)

    def _landing(self, found: Found, score: float | None, bridged_before: int | None, *, off_axis: bool) -> Landing:
        """Rows before `bridged_before` may be bridged; None: none round this contact is."""
        time_ns = self._stretch.time_ns
        ic_ns = time_ns(found.ic_row)
        tc_ns = None if found.tc_row is None else time_ns(found.tc_row)
        flaws = [] if found.clear else ["unclear_contact"]
        if not found.confirmed:
            flaws.append("unconfirmed_contact")
        if off_axis:
            flaws.append("off_axis")
        impact = None if self._rehearses else self._raw.impact(ic_ns)
        if bridged_before is not None:
            if any(self._lost_near(at, bridged_before) for at in (ic_ns, tc_ns or ic_ns)):
                flaws.append("gap_at_contact")
            if self._bridged(ic_ns - BEFORE_NS, ic_ns + AFTER_NS, bridged_before):
                impact = None
                flaws.append("impact_gap")
        return Landing(ic_ns, tc_ns, impact, tuple(flaws), score)

    def _runs(self, score: float | None) -> bool:
        """Which rule reads a contact: what it clearly looks like, or else as the strides before."""
        before = self.rows.activity
        if before is not None and (score is None or abs(score) < CLEAR):
            return before is Activity.RUN
        return score is None or score > 0.0

    def _strides_to(self, landings: list[Landing]) -> list[Stride]:
        """The strides that these landings end; the last one is open."""
        out = []
        for landing in landings:
            if self._last is not None and landing.ic_ns - self._last.ic_ns <= self._longest * NS / self._rate_hz:
                out.append(self._row(self._last, landing, lost=False))
            self._last = landing
        return out

    def _row(self, landing: Landing, after: Landing | None, *, lost: bool) -> Stride:
        flaws = []
        next_ns = None if after is None else after.ic_ns
        until = next_ns if next_ns is not None else landing.tc_ns or landing.ic_ns
        touched_ns = until + round(self._stretch.period_ns)  # a time between two rows rests on both
        bridged = self._bridged(landing.ic_ns, touched_ns, self._history.end)
        if lost or bridged:
            flaws.append("gap")
        if lost:
            flaws.append("next_contact_lost")
        if after is not None and "unclear_contact" in landing.flaws and "unclear_contact" in after.flaws:
            flaws.append("unclear_stride")
        if after is not None and "gap_at_contact" in after.flaws and self._lost_near(after.ic_ns, self._history.end):
            flaws.append("gap_at_next_contact")
        if next_ns is not None and next_ns - landing.ic_ns < SHORTEST_STRIDE_NS:
            flaws.append("stride_time")
        if self._raw.gyro_clipped(landing.ic_ns, until):
            flaws.append("gyro_clipped")
        trust = self._axis.confidence * max(0.0, 1.0 - bridged / max(until - landing.ic_ns, 1))
        motion = StrideMotion() if self._rehearses else self._motion(landing, after)
        looks = (landing.run_score, None if after is None else after.run_score)
        return self.rows.row(
            landing, next_ns, segment=self._stretch.segment, trust=trust, flaws=flaws, motion=motion, looks=looks
        )

    def _motion(self, landing: Landing, after: Landing | None) -> StrideMotion:
        """Travel and angles from a little before this contact to the end of the next one."""
        first = max(self._begin_row, self._stretch.row(landing.ic_ns) - self._pad)
        next_tc_ns = None if after is None else after.tc_ns or after.rests_ns
        last_ns = landing.tc_ns or landing.ic_ns if after is None else next_tc_ns or after.ic_ns
        last = min(self._stretch.row(last_ns) + self._pad, self._history.end)

        def row(t_ns: int | None) -> float | None:
            return None if t_ns is None else (t_ns - self._stretch.origin_ns) / self._stretch.period_ns - first

        ic = row(landing.ic_ns)
        assert ic is not None
        rows = self._history.rows(first, last)
        next_ic, next_tc = (None, None) if after is None else (row(after.ic_ns), row(next_tc_ns))
        seen = after is not None and after.impact is not None and not self._raw.acc_clipped(after.ic_ns)
        rest = self._rested.of((landing.ic_ns, landing.tc_ns), self._bias, first) if self._rested else None
        at = StrideRowsOf(ic, row(landing.tc_ns), next_ic, next_tc, seen, self.stood_mps2, rest)
        motion = stride_motion(rows[:, ACC], rows[:, GYR] - self._bias, self._axis, self._rate_hz, at, self._side)
        self._rested = None
        if after is not None and motion.next_rest is not None:
            self._rested = Rested((after.ic_ns, next_tc_ns), self._bias, motion.next_rest.counted_from(-first))
        return motion

    def _lost_near(self, at_ns: int, known: int) -> bool:
        """Whether so much is lost round this time (in rows before `known`) that an event there is in doubt."""
        return self._bridged(at_ns - NEAR_NS, at_ns + NEAR_NS, known) > NEAR_LOST_NS

    def _bridged(self, from_ns: int, to_ns: int, known: int) -> float:
        """How long in ns the rows in between (and before row `known`) are bridged."""
        first = max(self._stretch.row(from_ns), 0)
        if self._history.marked_end <= first:
            return 0.0
        last = min(self._stretch.row(to_ns) + 1, known)
        return float(self._history.rows(first, max(first, last))[:, BRIDGED].sum()) * self._stretch.period_ns
