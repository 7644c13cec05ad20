"""One pod's way through the pipeline: packets to strides in run time or to readings; its link, battery and losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sensord.clock import PodClock
from sensord.drivers.base import Decoder, Reader
from sensord.drivers.recorded import NAME as RECORDED
from sensord.dsp.foot import FootAnalyser
from sensord.errors import PacketError
from sensord.load.pair_sync import PairSync
from sensord.load.pod_watch import PodWatch
from sensord.model import Alert, Contact, FootNote, Json, Packet, PodSetup, PodStatus, Reading, Side, Stride, changed


class PodReading(NamedTuple):
    """What a sensor said, and which one."""

    pod: str
    reading: Reading


Item = Contact | Stride | FootNote | PodReading
"""What a pod's packets come to."""


class PodLine:
    """One pod's way from packets to strides in run time, with its link, battery and losses."""

    def __init__(self, setup: PodSetup, driver: Reader) -> None:
        self.setup = setup
        self.name = "sensor" if setup.side is None else setup.side.value
        """What she is told it is."""
        self.link_up = False
        self.counts_arrivals = False
        """Whether its times are made from arrivals, for want of a clock in the pod."""
        self.reason: str | None = None
        self.battery_pct: int | None = None
        self._driver = driver
        self._decoder: Decoder | None = None
        self._foot: FootAnalyser | None = None
        self.clock = PodClock()
        self.sync: PairSync | None = None
        self._before_info = 0

    def link(self, info: Mapping[str, Json]) -> None:
        """The pod is streaming. A pod that kept its clock and counter goes on where it was: its gap can be measured."""
        self.link_up, self.reason = True, None
        self.counts_arrivals = info.get("clock") == "none"
        if self._decoder is None:
            self._decoder = self._driver.decoder(info)
        else:
            self._decoder.link_up(info)
        side, rate_hz = self.setup.side, self._decoder.rate_hz
        if side is not None and (self._foot is None or self._foot.rate_hz != rate_hz):
            self._foot = FootAnalyser(side, rate_hz)

    def unlink(self, reason: str) -> list[Item]:
        """The link is gone: what was open is closed."""
        self.link_up, self.reason = False, reason
        return self.flush()

    def push(self, packet: Packet) -> list[Item]:
        """What the packet completes, strides in run time; a refused packet is counted and gives nothing."""
        if self._decoder is None:
            self._before_info += 1
            return []
        try:
            blocks = self._decoder.push(packet)
        except PacketError:
            return []
        out: list[Item] = []
        foot = self._foot
        for block in blocks:
            if isinstance(block, Reading):
                out.append(PodReading(self.setup.pod, block))
            elif foot is not None:
                t_pod_ns = block.t_pod_ns
                if t_pod_ns.size:
                    arrived_ns = packet.t_ns if block.t_rx_ns is None else block.t_rx_ns
                    self.clock.observe(block.segment, t_pod_ns.item(-1), arrived_ns)
                    if self.sync:
                        self.sync.block(foot.side, block)
                out += foot.push(block)
        return [self._in_run_time(item) for item in out] if out else out

    def flush(self) -> list[Item]:
        """Close what is open: link down, or the end of the run."""
        return [self._in_run_time(item) for item in self._foot.flush()] if self._foot else []

    def status(self) -> PodStatus:
        """Link, battery and counted losses so far."""
        counts = self._decoder.counts if self._decoder else None
        early = self._before_info  # refused too: nobody had said yet what they mean
        return PodStatus(
            pod=self.setup.pod,
            foot=self.setup.side,
            link="up" if self.link_up else "down",
            reason=self.reason,
            battery_pct=self.battery_pct,
            packets=early + (counts.packets if counts else 0),
            packets_rejected=early + (counts.rejected_total if counts else 0),
            samples=counts.samples if counts else 0,
            samples_lost=counts.lost if counts else 0,
        )

    def watched(self, watch: PodWatch, t_ns: int) -> list[Alert]:
        """What the runner must hear of this pod's link; a recording has none."""
        if self.setup.driver == RECORDED:
            return []
        counts = self._decoder.counts if self._decoder else None
        samples, lost = (counts.samples, counts.lost) if counts else (0, 0)
        rate_hz = self._decoder.rate_hz if self._decoder else 0.0
        return watch.look(self.name, up=self.link_up, samples=samples, lost=lost, rate_hz=rate_hz, t_ns=t_ns)

    def _in_run_time(self, item: Item) -> Item:
        if not isinstance(item, Stride):
            return item
        end = item.next_ic_pod_ns
        return changed(
            item,
            ic_run_ns=self.clock.to_run_ns(item.segment, item.ic_pod_ns),
            next_ic_run_ns=None if end is None else self.clock.to_run_ns(item.segment, end),
        )


def pair_sync(lines: Iterable[PodLine]) -> PairSync | None:
    """The clocks of both feet as a pair; None with one pod."""
    by_side = {line.setup.side: line for line in lines}
    if len(by_side) < len(Side):
        return None
    sync = PairSync(by_side[Side.LEFT].clock, by_side[Side.RIGHT].clock)
    for line in by_side.values():
        line.sync = sync
    return sync
