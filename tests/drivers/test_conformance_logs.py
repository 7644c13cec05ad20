"""Pods that log on board: armed, left alone, fetched, released: every logged sample once, whatever the link does."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, Keep, LoggingDriver, PodInfo
from sensord.errors import LinkError, LinkReason
from sensord.model import NS, FloatArray, IntArray, Packet, SampleBlock
from tests.drivers.conformance import (
    PLAIN,
    SixSines,
    check_against_source,
    check_blocks,
    check_joined,
    push_all,
    push_stubbornly,
    stamps,
    through_json,
    values,
)
from tests.drivers.habits import drivers, habits_of
from tests.drivers.wireless import POD, Wire, pod_of

LOGGING = pytest.mark.parametrize("name", drivers(gives=None, logs=True))
AWAY_S = 30


class Lost(LinkError):
    """The link broke, and no driver said so."""


@dataclass
class Cut(Wire):
    """The link breaks when so many pieces more were kept."""

    cut_after: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)

    def carry_out(self, request: Any) -> bytes:
        if isinstance(request, Keep) and self.cut_after is not None:
            if self.cut_after == 0:
                self.cut_after = None
                self.pod.drop_link()
                raise Lost(LinkReason.LOST)
            self.cut_after -= 1
        return super().carry_out(request)

    def arm(self, name: str) -> dict[str, object]:
        """Armed; the link is gone afterwards."""
        self.connect()
        info = self.converse(logging(name).arm(PLAIN))
        assert isinstance(info, PodInfo)
        assert PodInfo.from_json(through_json(info)) == info
        self.pod.drop_link()
        return through_json(info)

    def recover(self, name: str, armed: dict[str, object]) -> PodInfo:
        self.connect()
        info = self.converse(logging(name).recover(armed))
        assert isinstance(info, PodInfo)
        return info


def logging(name: str) -> LoggingDriver:
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    return driver


def read(name: str, armed: dict[str, object], kept: list[bytes]) -> list[SampleBlock]:
    """Samples of kept pieces. They may have been fetched more than once."""
    habits_of(name)
    decoder = logging(name).log_decoder(armed)
    blocks = push_all(decoder, pieces(kept))
    check_blocks(blocks)
    assert decoder.counts.rejected == {}
    assert decoder.counts.damaged == 0
    assert decoder.counts.samples == len(stamps(blocks))
    return blocks


def pieces(kept: list[bytes]) -> list[Packet]:
    return [Packet(POD, i, LOG, payload) for i, payload in enumerate(kept)]


def armed_run(name: str, seed: int = 0) -> tuple[Cut, dict[str, object]]:
    """A pod that was armed, left alone for half a minute, and is in reach again."""
    wire = Cut(pod_of(name, source=SixSines(), acc_range_g=16, seed=seed))
    armed = wire.arm(name)
    wire.spans.append((wire.now_ns, wire.now_ns + AWAY_S * NS))
    wire.now_ns += AWAY_S * NS
    return wire, armed


def whole(name: str) -> tuple[IntArray, FloatArray, int]:
    """Stamps, values and number of pieces of an armed run that is fetched undisturbed."""
    wire, armed = armed_run(name)
    wire.recover(name, armed)
    blocks = read(name, armed, wire.kept)
    return stamps(blocks), values(blocks), len(wire.kept)


@LOGGING
def test_every_logged_sample_comes_back_once(name: str) -> None:
    habits = habits_of(name)
    wire, armed = armed_run(name)
    begun = len(wire.fixes)
    assert begun >= 1, "arming ties the log to our time"
    info = wire.recover(name, armed)
    assert len(wire.fixes) > begun, "fetching ties the log to our time again"
    for now_ns, pod_ns in wire.fixes:
        assert abs(pod_ns - wire.pod.clock_ns(now_ns)) <= habits.time_atol_ns + 50_000_000  # type: ignore[attr-defined]
    blocks = read(name, armed, wire.kept)
    check_joined(blocks)
    read_as = PodInfo.from_json(armed)
    rate_hz = habits.log_rate_hz or habits.rate_hz
    assert logging(name).log_decoder(armed).rate_hz == rate_hz
    check_against_source(name, wire, read_as if read_as.rate_hz == rate_hz else info, blocks, SixSines())
    t_ns = stamps(blocks)
    ((from_ns, to_ns),) = wire.spans
    clock_ns = wire.pod.clock_ns  # type: ignore[attr-defined]
    assert t_ns[0] <= clock_ns(from_ns) + habits.log_edge_s * NS
    assert t_ns[-1] >= clock_ns(to_ns) - habits.log_edge_s * NS
    assert len(t_ns) == pytest.approx((t_ns[-1] - t_ns[0]) / NS * rate_hz + 1, abs=1)
    assert wire.progress, "a long download shows how far it is"
    done = [p.done for p in wire.progress]
    assert done == sorted(done)
    assert all(p.total is None or 0 <= p.done <= p.total for p in wire.progress)


@LOGGING
@pytest.mark.parametrize("cuts", [(0,), (1,), (0.5,), (-1,), (0.3, 0.3, 0.9)])
def test_a_download_that_breaks_off_is_begun_again_and_nothing_is_lost_or_doubled(
    name: str, cuts: tuple[float, ...]
) -> None:
    t_ns, expected, n_pieces = whole(name)
    wire, armed = armed_run(name)
    for cut in cuts:
        wire.cut_after = round(cut * n_pieces) if isinstance(cut, float) else cut % n_pieces
        with contextlib.suppress(Lost):
            wire.recover(name, armed)
        wire.cut_after = None
        wire.now_ns += NS
    wire.recover(name, armed)
    blocks = read(name, armed, wire.kept)
    check_joined(blocks)
    got = stamps(blocks)
    assert np.array_equal(got[: len(t_ns)], t_ns)
    assert np.array_equal(values(blocks)[: len(t_ns)], expected)
    assert len(got) - len(t_ns) <= 60 * (habits_of(name).log_rate_hz or habits_of(name).rate_hz)


@LOGGING
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hole_in_a_download_is_noticed(name: str, seed: int) -> None:
    """Notifications that a busy machine drops: asked for again, or told; and fetched again they are all there."""
    t_ns, expected, _ = whole(name)
    wire, armed = armed_run(name, seed=seed)
    wire.pod.loss = 0.03
    with contextlib.suppress(LinkError):
        wire.recover(name, armed)
        decoder = logging(name).log_decoder(armed)
        blocks = push_stubbornly(decoder, pieces(wire.kept))
        told = bool(decoder.counts.lost or decoder.counts.rejected_total or any(b.missing_before for b in blocks))
        assert told or np.array_equal(stamps(blocks), t_ns)
        known = dict(zip(t_ns.tolist(), expected.tolist(), strict=True))
        assert all(known[t] == row for t, row in zip(stamps(blocks).tolist(), values(blocks).tolist(), strict=True))
    wire.pod.loss = 0.0
    wire.pod.drop_link()
    wire.recover(name, armed)
    decoder = logging(name).log_decoder(armed)
    blocks = push_stubbornly(decoder, pieces(wire.kept))
    check_blocks(blocks)
    if not (decoder.counts.lost or decoder.counts.rejected_total):
        assert np.array_equal(stamps(blocks)[: len(t_ns)], t_ns)
        assert np.array_equal(values(blocks)[: len(t_ns)], expected)
    else:
        assert habits_of(name).frees_as_it_goes, "what was not received well is fetched again"


@LOGGING
def test_a_log_that_was_released_is_gone_and_the_next_one_is_new(name: str) -> None:
    wire, armed = armed_run(name)
    wire.recover(name, armed)
    first = stamps(read(name, armed, wire.kept))
    wire.converse(logging(name).release())
    wire.pod.drop_link()
    wire.kept.clear()
    again = wire.arm(name)
    begun_ns = wire.now_ns
    wire.now_ns += 5 * NS
    wire.recover(name, again)
    second = stamps(read(name, again, wire.kept))
    assert second[0] > first[-1]
    clock_ns = wire.pod.clock_ns  # type: ignore[attr-defined]
    assert abs(second[0] - clock_ns(begun_ns)) <= habits_of(name).log_edge_s * NS


@LOGGING
def test_it_streams_as_before_once_the_log_is_released(name: str) -> None:
    wire, armed = armed_run(name)
    wire.recover(name, armed)
    wire.converse(logging(name).release())
    wire.pod.drop_link()
    wire.packets.clear()
    info = wire.start(DRIVERS[name], PLAIN)
    wire.listen(2 * NS)
    blocks = push_all(DRIVERS[name].decoder(through_json(info)), wire.packets)
    check_blocks(blocks)
    check_against_source(name, wire, info, blocks, SixSines())


@LOGGING
def test_an_armed_info_that_cannot_be_read_is_refused(name: str) -> None:
    _, armed = armed_run(name)
    for bad in ({}, {"driver": "toaster"}, {**armed, "driver": "toaster"}, {k: armed[k] for k in ("driver", "model")}):
        with pytest.raises(LinkError):
            logging(name).log_decoder(bad)
