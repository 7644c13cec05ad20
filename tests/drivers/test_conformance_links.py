"""A pod whose link was lost, or that restarted: samples go on, or a new segment begins, as the pod allows."""

from __future__ import annotations

import pytest

from sensord.drivers import DRIVERS
from sensord.model import NS
from tests.drivers.conformance import (
    SAMPLES,
    check_blocks,
    decoder_of,
    push_all,
    push_stubbornly,
    stamps,
    through_json,
)
from tests.drivers.habits import HABITS, drivers, habits_of
from tests.drivers.wireless import Wire, pod_of, recorded

AWAY = [(name, away_s) for name in drivers(goes_on=True) for away_s in HABITS[name].away_s]


@pytest.mark.parametrize(("name", "away_s"), AWAY)
def test_goes_on_in_the_same_segment_after_a_lost_link(name: str, away_s: float) -> None:
    """However long it was away: a clock that is wider than what the packets carry is read at every link, or ours is."""
    habits = habits_of(name)
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    before = push_all(decoder, wire.listen(2 * NS))
    wire.pod.drop_link()
    wire.now_ns += int(away_s * NS)
    known = len(wire.packets)
    decoder.link_up(through_json(wire.start(DRIVERS[name])))
    wire.listen(2 * NS)
    after = push_all(decoder, wire.packets[known:])
    check_blocks(before + after)
    assert {b.segment for b in before + after} == {0}
    gap_s = (after[0].t_pod_ns[0] - before[-1].t_pod_ns[-1]) / NS
    assert away_s < gap_s < away_s + habits.setup_s
    missing = after[0].missing_before
    assert missing is not None
    assert missing == pytest.approx(gap_s * decoder.rate_hz - 1, abs=0.5 + habits.period_off * gap_s * decoder.rate_hz)
    assert all(b.missing_before == 0 for b in after[1:])
    assert decoder.counts.rejected == {}


@pytest.mark.parametrize("name", drivers(goes_on=False))
@pytest.mark.parametrize("away_s", [0.5, 20.0, 4000.0])
def test_begins_a_new_segment_after_a_lost_link(name: str, away_s: float) -> None:
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    before = push_all(decoder, wire.listen(2 * NS))
    for segment in (1, 2):
        wire.pod.drop_link()
        wire.now_ns += int(away_s * NS)
        known = len(wire.packets)
        decoder.link_up(through_json(wire.start(DRIVERS[name])))
        wire.listen(2 * NS)
        after = push_all(decoder, wire.packets[known:])
        check_blocks(before + after)
        assert {b.segment for b in after} == {segment}
        assert after[0].missing_before is None
        assert all(b.missing_before in (0, None) for b in after[1:])
        before += after
    assert decoder.counts.rejected == {}
    assert not decoder.counts.lost


@SAMPLES
@pytest.mark.parametrize("first_packets_lost", [0, 1, 5])
def test_restarted_pod_begins_a_new_segment(name: str, first_packets_lost: int) -> None:
    habits = habits_of(name)
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    before = push_all(decoder, wire.listen(2 * NS))
    wire.pod.reboot(wire.now_ns)
    known = len(wire.packets)
    decoder.link_up(through_json(wire.start(DRIVERS[name])))
    wire.listen(2 * NS)
    after = push_all(decoder, wire.packets[known + first_packets_lost :])
    check_blocks(before + after)
    assert after
    assert {b.segment for b in before} == {0}
    if habits.reboot or not habits.goes_on:
        assert {b.segment for b in after} == {1}
        assert after[0].missing_before is None
    assert decoder.counts.rejected == {} or (habits.stream and first_packets_lost)


@pytest.mark.parametrize("name", drivers(clock="own"))
def test_a_clock_that_was_set_meanwhile_is_believed_in_a_new_segment(name: str) -> None:
    """A pod that keeps telling another time is not shut out for ever."""
    info, packets = recorded(name, 5.0)
    _, ahead = recorded(name, 5.0, uptime_us=3_660_000_000)
    decoder = decoder_of(name, info)
    before = push_all(decoder, [p for p in packets if p.t_ns < 2 * NS])
    after = push_stubbornly(decoder, [p for p in ahead if p.t_ns >= 2 * NS])
    check_blocks(before + after)
    assert {b.segment for b in before} == {0}
    assert after[-1].segment >= 1
    assert len(stamps(after)) >= 0.6 * 3 * info.rate_hz
    assert decoder.counts.lost == sum(b.missing_before or 0 for b in before + after)


@SAMPLES
def test_packets_of_twenty_links_are_read_once_each(name: str) -> None:
    """Links that are lost at any moment: what was sent and not lost is decoded, no sample comes twice."""
    habits = habits_of(name)
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    blocks = push_all(decoder, wire.packets)
    for i in range(20):
        blocks += push_all(decoder, wire.listen(NS // 2 + i * 13_000_000))
        wire.pod.drop_link()
        wire.now_ns += NS // 3
        known = len(wire.packets)
        decoder.link_up(through_json(wire.start(DRIVERS[name])))
        blocks += push_all(decoder, wire.packets[known:])
    blocks += push_all(decoder, wire.listen(NS))
    check_blocks(blocks)
    assert max(b.segment for b in blocks) == (0 if habits.goes_on else 20)
    assert decoder.counts.duplicates == 0
    assert decoder.counts.samples == sum(len(b) for b in blocks)
    assert decoder.counts.lost == (None if habits.loss == "none" else sum(b.missing_before or 0 for b in blocks))
    assert decoder.counts.rejected == {}
