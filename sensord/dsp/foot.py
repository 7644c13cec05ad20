"""One foot: samples in, provisional contacts, strides and notes out.

    samples -> uniform grid -> history -> pitch rate -> mid-swing gate -> contacts -> strides
                               |-> standing still: gyro bias, end of a bout
                               `-> pitch axis from the first strides, checked later

Until the axis is known the samples wait (`FootSettings.wait_s`); then the waiting ones are gone through, so that the
first strides are not lost. Every decision falls at a row of the grid and looks only at rows before it, so blocks may be
cut anywhere: the same samples give the same strides to the bit.

Latency: a stride comes 0.2-0.36 s after the toe-off of the contact that ends it, once the foot swings and its samples
are gone through (`WAIT_S`); a provisional contact one or two samples after it shows. The last stride before standing
comes about one stride time after it ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensord.dsp.alignment import MOVED_DEG, Axis, AxisWatch, Standing, find_axis, left_handed, main_line
from sensord.dsp.detector import Detector
from sensord.dsp.grid import BRIDGE_S, UniformGrid
from sensord.dsp.history import History
from sensord.dsp.impact import ACC_BITS, GYR_BITS, HIGH_G_BIT, HIGH_G_FULL_BIT, LOW_G_BIT, RawSamples
from sensord.dsp.stretch import ACC, BRIDGED, COLUMNS, GYR, Stretch
from sensord.dsp.strides import MAX_STRIDE_S
from sensord.model import NS, Contact, FloatArray, FootNote, MaskArray, SampleBlock, Side, Stride, changed

Item = Contact | Stride | FootNote

WATCH_S = 0.5
"""Design choice: length of the fixed windows that are watched for standing and motion."""

STILL_WINDOWS = 2
"""Design choice: still windows in a row that end a bout. A foot flat in slow walking rests for less than 1 s."""

ALIGN_AFTER_S = 2.5
"""Design choice: motion needed before the axis is looked for (three strides of running last 2 s)."""

RECHECK_STRIDES = 20
WHOLE_RECHECK = 5
"""Design choice: strides between two checks of the axis (15 s of running; the reference asks for every 5 min). Most see
whether the line about which the foot turns is off, and only then find the axis anew; every fifth does in any case."""

SUSPECT_STRIDES = 6
"""Design choice: strides until an axis that seems to have turned is looked at again, in these strides alone: with some
from before, the axis would be found in between. So many strides in a row that are not to be trusted are a reason to
look, too."""

RECHECK_S = 5.0
LOST_S = 5.0
"""Design choice: moving this long without a single swing, the axis is looked for again."""

LOOSE_MOVES = 3
LOOSE_S = 180.0
"""Design choice: an axis that has turned so often in this time is a pod that sits loose, not one that was knocked."""

ROWS_AT_ONCE = 256
"""Blocks are gone through in parts of at most so many rows, so that memory does not depend on the size of a block."""

WAIT_S = 0.1
"""Design choice: samples wait until so much of them has come, because going through a few rows costs nearly as much as
going through many; a stride is told so much later at most. Where a provisional contact may show, or a stride is
overdue, nothing waits."""


@dataclass(frozen=True, slots=True)
class FootSettings:
    """What may be chosen; the defaults are design choices that the modules explain."""

    bridge_s: float = BRIDGE_S
    wait_s: float = 10.0
    max_stride_s: float = MAX_STRIDE_S
    provisional: bool = True
    """Whether provisional contacts are looked for: not for a recording, which hears nothing of them."""


class FootAnalyser:
    """Samples of one foot to strides; see the module. Memory: `wait_s` + 5 s of rows, whatever is pushed."""

    def __init__(self, side: Side, rate_hz: float, settings: FootSettings = FootSettings()) -> None:
        self.side = side
        self.rate_hz = rate_hz
        self.axis: Axis | None = None
        """The pitch axis once it is known."""
        self._wait = round(settings.wait_s * rate_hz)
        self._watch = round(WATCH_S * rate_hz)
        self._grid = UniformGrid(rate_hz, settings.bridge_s)
        self._enough = round(WAIT_S * rate_hz)
        self._waiting: list[SampleBlock] = []
        self._waits = 0
        held = round((settings.wait_s + 5.0) * rate_hz) + self._enough + ROWS_AT_ONCE
        self._history = History(held, COLUMNS)
        self._raw = RawSamples(2 * held)
        self._standing = Standing()
        self._axis_watch = AxisWatch()
        self._detector = Detector(side, rate_hz, settings.max_stride_s, provisional=settings.provisional)
        self._segment: int | None = None
        self._moving_from: int | None = None
        self._refused = False
        self._checked_at = 0
        self._checks = 0
        self._suspect_row: int | None = None
        self._moved_ns: deque[int] = deque(maxlen=LOOSE_MOVES)

    def push(self, block: SampleBlock) -> list[Item]:
        """What these samples complete."""
        out: list[Item] = []
        if block.segment != self._segment:
            if self._segment is not None:
                out += self._leave(lost=True)
                self._grid.reset()
                self._raw.clear()
            self._segment = block.segment
        rows = len(block.t_pod_ns)
        if rows > ROWS_AT_ONCE:
            for part in _parts(block):
                self._waiting.append(part)
                self._take(out)
        elif rows:
            self._waiting.append(block)
            self._waits += rows
            if self._waits >= self._enough or self._detector.hurries(self._history.end + self._waits, block.gyr_radps):
                self._take(out)
        return out

    def flush(self) -> list[Item]:
        """The samples end here: the last contact closes as it does in standing. Alignment is kept."""
        out = self._leave(lost=False)
        self._grid.reset()
        return out

    @property
    def held_rows(self) -> int:
        """Rows of memory held, whatever has been pushed."""
        return self._history.size + self._raw.size

    def _take(self, out: list[Item]) -> None:
        """Go through the samples that wait."""
        blocks, self._waiting, self._waits = self._waiting, [], 0
        times: list[int] = []
        for block in blocks:
            self._keep_raw(block)
            times += block.t_pod_ns.tolist()
        if not times:
            return
        if self._grid.follow(times):
            rows = self._history.grow(len(times))
            rows[:, BRIDGED] = 0.0
            start = 0
            for block in blocks:
                end = start + len(block.t_pod_ns)
                rows[start:end, ACC], rows[start:end, GYR] = block.acc_mps2, block.gyr_radps
                start = end
            self._grid.took(times, rows[-1, :BRIDGED].copy())
            self._advance(self._history.end - len(times), out)
            return
        t_ns = np.concatenate([block.t_pod_ns for block in blocks])
        acc, gyr = (np.concatenate(parts) for parts in zip(*((b.acc_mps2, b.gyr_radps) for b in blocks), strict=True))
        values = np.concatenate((acc, gyr), axis=1)
        for piece in self._grid.push(t_ns, values):
            if piece.opens:
                out += self._end_stretch(lost=True)
                self._enter(piece.origin_ns)
            for start in range(0, len(piece), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                rows = self._history.grow(len(piece.bridged[part]))
                rows[:, :BRIDGED], rows[:, BRIDGED] = piece.values[part], piece.bridged[part]
                if rows[:, BRIDGED].any():
                    self._history.marked_end = self._history.end
                self._advance(self._history.end - len(rows), out)

    def _keep_raw(self, block: SampleBlock) -> None:
        """The samples as they came are what impacts are read from: those of the high-g sensor where there is one."""
        saturated = block.saturated
        if block.high_g_mps2 is None:
            self._raw.append(block.t_pod_ns, block.acc_mps2, saturated)
            return
        low_g = np.where(saturated & np.uint8(ACC_BITS), np.uint8(LOW_G_BIT), np.uint8(0))
        high_g = np.where(saturated & np.uint8(HIGH_G_FULL_BIT), np.uint8(ACC_BITS), np.uint8(0))
        flags: MaskArray = (saturated & np.uint8(GYR_BITS)) | low_g | high_g | np.uint8(HIGH_G_BIT)
        self._raw.append(block.t_pod_ns, block.high_g_mps2, flags)

    def _enter(self, origin_ns: int) -> None:
        """A stretch of unbroken signal begins."""
        self._history.clear()
        assert self._segment is not None
        stretch = Stretch(self._segment, origin_ns, self._grid.period_ns)
        self._detector.begin(stretch, self._history, self._raw)
        self._moving_from = self._suspect_row = None
        self._standing.still_windows = 0

    def _leave(self, *, lost: bool) -> list[Item]:
        """The samples end: the ones that wait are the last of the stretch."""
        out: list[Item] = []
        self._take(out)
        return out + self._end_stretch(lost=lost)

    def _end_stretch(self, *, lost: bool) -> list[Item]:
        row = self._history.end
        return [*self._last_chance(row), *self._detector.close(row, lost=lost)] if row else []

    def _advance(self, start: int, out: list[Item]) -> None:
        """Go through the rows of the history from `start` on."""
        end = self._history.end
        while start < end:  # cut where a watch window ends
            stop = min(end, (start // self._watch + 1) * self._watch)
            if self.axis is not None:
                out += self._detector.run(start, stop, self.axis, self._standing.bias_radps, live=True)
            if stop % self._watch == 0:
                out += self._look(stop)
            start = stop

    def _look(self, row: int) -> list[Item]:
        """A watch window ends at this row: standing, moving, and what follows from it."""
        rows = self._history.rows(row - self._watch, row)
        standing = self._standing
        standing.window(rows[:, ACC], rows[:, GYR])
        self._detector.stood_mps2 = standing.gravity_mps2
        stopped = standing.still_windows >= STILL_WINDOWS
        out: list[Item] = []
        if stopped:
            out += self._last_chance(row)
            self._moving_from = None
        elif standing.moving and self._moving_from is None:
            self._moving_from = row - self._watch
        if self._detector.swing_row is not None and (stopped or self._detector.pauses(row)):
            out += self._detector.close(row, lost=False)
        return out + self._align(row)

    def _align(self, row: int) -> list[Item]:
        moving_for = 0.0 if self._moving_from is None else (row - self._moving_from) / self.rate_hz
        if not self._standing.moving or moving_for < ALIGN_AFTER_S:
            return []
        if self.axis is None:
            return self._first_axis(row, moving_for)
        due = SUSPECT_STRIDES if self._suspect_row is not None or self._in_doubt else RECHECK_STRIDES
        if self._detector.rows.count - self._checked_at >= due and moving_for >= RECHECK_S:
            return self._check_axis(row, self.axis)
        idle = row - max(self._detector.last_row, self._moving_from or 0)
        if idle > LOST_S * self.rate_hz and self._detector.swing_row is None:
            return self._find_again(row, self.axis)
        return []

    def _window(self, rows_from: int, row: int) -> FloatArray:
        return self._history.rows(max(rows_from, row - self._wait, 0), row)

    def _axis_in(self, rows_from: int, row: int) -> Axis | str:
        return find_axis(*self._motion(rows_from, row), self.rate_hz)

    def _motion(self, rows_from: int, row: int) -> tuple[FloatArray, FloatArray]:
        """Acceleration and angular rate, its bias taken off, each (n, 3), the last seconds before `row` at most."""
        rows = self._window(rows_from, row)
        acc, gyr = (np.ascontiguousarray(rows[:, columns]) for columns in (ACC, GYR))
        return acc, gyr - self._standing.bias_radps

    def _first_axis(self, row: int, moving_for: float) -> list[Item]:
        found = self._axis_in(self._moving_from or 0, row)
        if isinstance(found, Axis):
            return self._aligned(row, found)
        if moving_for * self.rate_hz < self._wait or self._refused:
            return []
        return [self._refuse(row, found)]

    def _aligned(self, row: int, found: Axis) -> list[Item]:
        text = f"pitch axis found from {found.votes} strides, confidence {found.confidence:.2f}"
        return [self._note("aligned", text), *self._adopt(found, 0, row)]

    def _last_chance(self, row: int) -> list[Item]:
        """She stops, or the signal does, and the axis is not known: what has waited is read now or not at all."""
        if self.axis is not None or self._moving_from is None:
            return []
        if row - self._moving_from < ALIGN_AFTER_S * self.rate_hz:
            return []
        found = self._axis_in(self._moving_from, row)
        if isinstance(found, Axis):
            return self._aligned(row, found)
        return [] if self._refused else [self._refuse(row, found)]

    def _refuse(self, row: int, why: str) -> FootNote:
        self._refused = True
        if left_handed(*self._motion(self._moving_from or 0, row), self.rate_hz):
            why = "the axes are left-handed (an axis of the acceleration or of the gyroscope has the wrong sign)"
        return self._note("no_alignment", f"no strides can be read yet: {why}")

    @property
    def _in_doubt(self) -> bool:
        return self._detector.rows.doubtful >= SUSPECT_STRIDES

    def _check_axis(self, row: int, frozen: Axis) -> list[Item]:
        self._checked_at = self._detector.rows.count
        self._checks += 1
        since, activity = max(self._moving_from or 0, self._suspect_row or 0), self._detector.rows.activity
        if activity is None:
            return []
        if self._suspect_row is None and not self._in_doubt and self._checks % WHOLE_RECHECK:
            line, _ = main_line(np.ascontiguousarray(self._window(since, row)[:, GYR]))
            if self._axis_watch.near(activity, line):
                return []
        found = self._axis_in(since, row)
        if isinstance(found, str):
            return []
        moved = self._axis_watch.moved(frozen, activity, found)
        self._suspect_row = row if self._axis_watch.suspicious and not moved else None
        if not moved:
            return []
        self.axis, self._axis_watch = found, AxisWatch()
        return [self._moved(row, found.angle_deg(frozen))]

    def _find_again(self, row: int, frozen: Axis) -> list[Item]:
        """Moving without a swing: perhaps the pod sits another way now."""
        since = max(self._detector.last_row, self._moving_from or 0)
        found = self._axis_in(since, row)
        if isinstance(found, str) or found.angle_deg(frozen) <= MOVED_DEG:
            return []
        self._axis_watch, self._suspect_row = AxisWatch(), None
        return [self._moved(row, found.angle_deg(frozen)), *self._adopt(found, since, row)]

    def _adopt(self, axis: Axis, since: int, row: int) -> list[Item]:
        """From now on this axis; and for the rows that waited for it."""
        self.axis = axis
        begin = max(since, row - self._wait, 0)
        self._detector.rehearse(begin, row, axis, self._standing.bias_radps)
        self._detector.restart(begin)
        self._checked_at = self._detector.rows.count
        out: list[Item] = []
        for start in range(begin, row, ROWS_AT_ONCE):
            end = min(start + ROWS_AT_ONCE, row)
            out += self._detector.run(start, end, axis, self._standing.bias_radps, live=False)
        return out

    def _moved(self, row: int, angle_deg: float) -> FootNote:
        now_ns = self._detector.time_ns(row)
        self._moved_ns.append(now_ns)
        lately = sum(abs(now_ns - then_ns) <= LOOSE_S * NS for then_ns in self._moved_ns)  # a new segment may jump back
        if lately >= LOOSE_MOVES:
            return self._note("pod_loose", f"the pod has turned {lately} times within 3 minutes: it sits loose")
        return self._note("pod_moved", f"the pod's pitch axis has turned by {angle_deg:.0f} degrees: check its fit")

    def _note(self, code: str, text: str) -> FootNote:
        return FootNote(self.side, code, text)


def _parts(block: SampleBlock) -> Iterator[SampleBlock]:
    """A long block in parts of `ROWS_AT_ONCE` rows."""
    for start in range(0, len(block), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield changed(
            block,
            t_pod_ns=block.t_pod_ns[rows],
            acc_mps2=block.acc_mps2[rows],
            gyr_radps=block.gyr_radps[rows],
            saturated=block.saturated[rows],
            high_g_mps2=None if block.high_g_mps2 is None else block.high_g_mps2[rows],
        )
