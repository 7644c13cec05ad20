"""Samples of logs that were fetched, and of what the same pods sent live meanwhile, on one time line, each once.

The log wins: live samples fill only what it lacks. Both carry the same pod time, so a live sample is left out where the
log has one within half a sample. Two passes over the files, so that memory holds stretches and not samples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import merge
from pathlib import Path

import numpy as np

from sensord.armed import ArmedPod
from sensord.clock import PodClock
from sensord.drivers import DRIVERS, READERS
from sensord.drivers.base import DecodeCounts, Decoder, LoggingDriver
from sensord.errors import InternalError, PacketError
from sensord.model import NS, IntArray, Json, Mark, MarkKind, Packet, SampleBlock
from sensord.pod_time import Axis, PodTime, epochs
from sensord.recording import RecordedRun, read_run

AGREES_NS = (-NS, 15 * NS)
"""Design choice: how long after the mapped time of its last sample a packet may arrive and still be of that clock: the
mapping is off by milliseconds, a link that is about to break holds packets up for seconds."""

EDGE_NS = 5 * NS
"""Design choice: a log may begin so long before the reading of the clock that came with it, and end so long after."""

EVER_NS = 1 << 62

ClockKey = int | tuple[str, int]
"""Blocks of one key are on one clock: an epoch of the log's pod, or a live run's own segment."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A block and the axis time (n,) ns of its rows. `clock`: which of the pod's clocks its pod time is of.

    `settings`: rate (Hz), ranges (g, dps, high g) that it was measured with.
    """

    clock: ClockKey
    axis_ns: IntArray
    block: SampleBlock
    settings: Settings


@dataclass(frozen=True, slots=True)
class Settings:
    """What samples were measured with; samples of other settings are announced anew."""

    rate_hz: float
    acc_range_g: float
    gyr_range_dps: float
    high_g_range_g: float | None

    @classmethod
    def of(cls, info: dict[str, Json], rate_hz: float) -> Settings:
        """From what a link or an armed pod said."""
        return cls(rate_hz, info["acc_range_g"], info["gyr_range_dps"], info.get("high_g_range_g"))


@dataclass(slots=True)
class Stretch:
    """Pod time of the first and last sample of a segment of a log."""

    first_ns: int
    last_ns: int
    samples: int = 0


@dataclass(slots=True)
class FetchedLog:
    """The log of one pod, as it lies in its file. Call `survey` first."""

    pod: ArmedPod
    path: Path
    axis: Axis
    clocks: list[PodTime] = field(default_factory=list)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    segments: dict[int, Stretch] = field(default_factory=dict)
    _rate_hz: float = 0.0
    _clock_of: dict[int, int] = field(default_factory=dict)
    _covered: dict[int, list[list[int]]] = field(default_factory=dict)

    @property
    def info(self) -> dict[str, Json]:
        """What the log is read by."""
        if self.pod.info is None:
            raise InternalError(f"{self.pod.pod} was never armed")
        return dict(self.pod.info)

    @property
    def rate_hz(self) -> float:
        """Nominal rate."""
        return self._rate_hz

    @property
    def samples(self) -> int:
        """How many it holds."""
        return sum(stretch.samples for stretch in self.segments.values())

    @property
    def untimed_samples(self) -> int:
        """How many are of a time between two restarts of the pod: nobody read its clock then."""
        return sum(s.samples for segment, s in self.segments.items() if segment not in self._clock_of)

    @property
    def error_ns(self) -> int | None:
        """How far off the times of its samples may be, at worst; None for an empty log."""
        ends = [(self.clocks[c], s) for seg, s in self.segments.items() if (c := self._clock_of.get(seg)) is not None]
        middles = [(clock, t) for clock, s in ends for t in (s.first_ns, (s.first_ns + s.last_ns) // 2, s.last_ns)]
        return max((clock.error_ns(t) for clock, t in middles), default=None)

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Axis time of its first and last sample; None for an empty log."""
        ends = []
        for segment, clock in self._clock_of.items():
            stretch = self.segments[segment]
            ends += self.clocks[clock].to_axis_ns(np.array([stretch.first_ns, stretch.last_ns])).tolist()
        return (min(ends), max(ends)) if ends else None

    def survey(self) -> None:
        """Reads the whole log once: its segments, whose clock each is on, the stretches without a gap."""
        self.clocks = epochs(self.pod.fixes, self.axis)
        self._rate_hz = self._decoder().rate_hz
        runs: dict[int, list[list[int]]] = {}
        for block in self._decoded():
            first, last = int(block.t_pod_ns[0]), int(block.t_pod_ns[-1])
            known = self.segments.setdefault(block.segment, Stretch(first, last))
            known.last_ns = last
            known.samples += len(block)
            stretches = runs.setdefault(block.segment, [])
            if stretches and block.missing_before == 0:
                stretches[-1][1] = last
            else:
                stretches.append([first, last])
        self._place()
        for segment, stretches in runs.items():
            clock = self._clock_of.get(segment)
            if clock is not None:
                self._covered.setdefault(clock, []).extend(stretches)
        for found in self._covered.values():
            found.sort()

    def blocks(self) -> Iterator[Timed]:
        """Its samples in order; those that nobody can place are left out (`untimed_samples`)."""
        settings = Settings.of(self.info, self._rate_hz)
        for block in self._decoded():
            clock = self._clock_of.get(block.segment)
            if clock is not None:
                yield Timed(clock, self.clocks[clock].to_axis_ns(block.t_pod_ns), block, settings)

    def lacks(self, clock: int, t_pod_ns: IntArray, period_ns: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of these samples of a clock the log has none for within half a period."""
        stretches = self._covered.get(clock, [])
        half = round(min(period_ns, NS / self._rate_hz) / 2)
        missing = np.ones(len(t_pod_ns), dtype=np.bool_)
        if not stretches:
            return missing
        place = max(bisect_right(stretches, [int(t_pod_ns[0]), 0]) - 1, 0)
        for first, last in stretches[place:]:
            if first - half > t_pod_ns[-1]:
                break
            missing &= (t_pod_ns < first - half) | (t_pod_ns > last + half)
        return missing

    def clock_for(self, t_pod_ns: int, arrived_ns: int) -> int | None:
        """Which of its clocks showed this when a packet arrived; None if none did."""
        for index in reversed(range(len(self.clocks))):
            late_ns = arrived_ns - int(self.clocks[index].to_axis_ns(np.array([t_pod_ns]))[0])
            if AGREES_NS[0] <= late_ns <= AGREES_NS[1]:
                return index
        return None

    def _decoder(self) -> Decoder:
        driver = DRIVERS[self.pod.driver]
        assert isinstance(driver, LoggingDriver)
        return driver.log_decoder(self.info)

    def _decoded(self) -> Iterator[SampleBlock]:
        decoder = self._decoder()
        for item in read_run(self.path).inputs():
            if isinstance(item, Packet):
                try:
                    found = decoder.push(item)
                except PacketError:
                    continue  # counted
                yield from (block for block in found if isinstance(block, SampleBlock) and len(block))
        self.counts = decoder.counts

    def _place(self) -> None:
        """Segments follow each other, after it was armed and before it was fetched: first from the one side, on the
        clock that was read when it was armed, then from the other, on the newest one. Between them nobody knows.
        """
        if not self.clocks:
            return
        order = sorted(self.segments)
        at = [axis_ns for fix in self.pod.fixes if (axis_ns := self.axis.place(fix.boot, fix.at_ns)) is not None]
        known = self.axis.place(self.pod.fixes[0].boot, 0) is not None  # when it was armed, in this time
        bounds = [min(at) - EDGE_NS if known else -EVER_NS, max(at) + EDGE_NS]
        for clock, going in ((0, order), (len(self.clocks) - 1, order[::-1])):
            for segment in going:
                if segment in self._clock_of:
                    break
                stretch = self.segments[segment]
                first, last = self.clocks[clock].to_axis_ns(np.array([stretch.first_ns, stretch.last_ns])).tolist()
                if not bounds[0] <= first <= last <= bounds[1]:
                    break
                self._clock_of[segment] = clock
                if going is order:
                    bounds[0] = last
                else:
                    bounds[1] = first


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that was recorded while the pods logged; its run time 0 is `zero_ns` on the axis."""

    recorded: RecordedRun
    zero_ns: int

    @property
    def run(self) -> str:
        """Its id."""
        return self.recorded.setup.run

    @property
    def end_ns(self) -> int:
        """Axis time of its last input."""
        return self.zero_ns + self.recorded.last_t_ns

    def blocks(self, log: FetchedLog) -> Iterator[Timed]:
        """What a pod sent live and its log lacks, in order."""
        pod, clock = log.pod.pod, PodClock()
        decoder: Decoder | None = None
        settings: Settings | None = None
        for item in self.recorded.inputs():
            if isinstance(item, Mark) and item.kind is MarkKind.LINK_UP and item.data["pod"] == pod:
                info = item.data["info"]
                if decoder is None:
                    decoder = READERS[info["driver"]].decoder(info)
                else:
                    decoder.link_up(info)
                settings = Settings.of(info, decoder.rate_hz)
            elif isinstance(item, Packet) and item.pod == pod and decoder is not None and settings is not None:
                yield from self._timed(_pushed(decoder, item), item, log, clock, settings)

    def _timed(
        self, blocks: Iterable[SampleBlock], packet: Packet, log: FetchedLog, clock: PodClock, settings: Settings
    ) -> Iterator[Timed]:
        for block in blocks:
            last_ns = int(block.t_pod_ns[-1])
            clock.observe(block.segment, last_ns, packet.t_ns if block.t_rx_ns is None else block.t_rx_ns)
            epoch = log.clock_for(last_ns, self.zero_ns + packet.t_ns)
            if epoch is not None:
                lacking = log.lacks(epoch, block.t_pod_ns, NS / settings.rate_hz)
                for kept in _stretches(block, lacking):
                    yield Timed(epoch, log.clocks[epoch].to_axis_ns(kept.t_pod_ns), kept, settings)
                continue
            at_ns = clock.to_run_ns(block.segment, last_ns)  # a clock that the log knows nothing of
            if at_ns is not None:
                axis_ns = block.t_pod_ns - last_ns + (at_ns + self.zero_ns)
                yield Timed((self.run, block.segment), axis_ns, block, settings)


def one_line(log: FetchedLog, lives: Iterable[LiveRun]) -> Iterator[Timed]:
    """All samples of one pod once, in order of time; segments and gaps are told anew."""
    live = (timed for run in lives for timed in run.blocks(log))
    before: Timed | None = None
    for timed in merge(log.blocks(), live, key=lambda timed: int(timed.axis_ns[0])):
        found = _first(timed) if before is None else _following(before, timed)
        if found is not None:
            before = replace(found, block=replace(found.block, t_rx_ns=None))
            yield before


def _first(timed: Timed) -> Timed:
    return replace(timed, block=replace(timed.block, segment=0, missing_before=0))


def _following(before: Timed, timed: Timed) -> Timed | None:
    """What of a block comes after the one before, and whether anything is missing between them."""
    block, last = timed.block, before.block
    goes_on = before.clock == timed.clock and before.settings == timed.settings
    after = block.t_pod_ns > last.t_pod_ns[-1] if goes_on else timed.axis_ns > before.axis_ns[-1]
    if not after.all():
        if not after.any():
            return None
        start = int(after.argmax())
        block = _rows(block, slice(start, None))
        timed = replace(timed, axis_ns=timed.axis_ns[start:])
    if not goes_on:
        return replace(timed, block=replace(block, segment=last.segment + 1, missing_before=None))
    gap = int(block.t_pod_ns[0] - last.t_pod_ns[-1]) * timed.settings.rate_hz / NS
    return replace(timed, block=replace(block, segment=last.segment, missing_before=max(round(gap) - 1, 0)))


def _pushed(decoder: Decoder, packet: Packet) -> list[SampleBlock]:
    try:
        return [block for block in decoder.push(packet) if isinstance(block, SampleBlock) and len(block)]
    except PacketError:
        return []


def _stretches(block: SampleBlock, wanted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[SampleBlock]:
    """Parts of a block: each row that is wanted, in stretches."""
    edges = np.flatnonzero(np.diff(wanted.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield _rows(block, slice(start, stop))


def _rows(block: SampleBlock, rows: slice) -> SampleBlock:
    high_g = block.high_g_mps2
    return replace(
        block,
        t_pod_ns=block.t_pod_ns[rows],
        acc_mps2=block.acc_mps2[rows],
        gyr_radps=block.gyr_radps[rows],
        saturated=block.saturated[rows],
        high_g_mps2=None if high_g is None else high_g[rows],
    )


def cut(timed: Timed, start_ns: int, end_ns: int) -> Timed | None:
    """The rows of an interval of the axis, None if there are none."""
    first, stop = np.searchsorted(timed.axis_ns, [start_ns, end_ns]).tolist()
    if first >= stop:
        return None
    rows = slice(first, stop)
    return replace(timed, axis_ns=timed.axis_ns[rows], block=_rows(timed.block, rows))
