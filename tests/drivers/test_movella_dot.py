"""Movella DOT: what only these pods do. All that every driver must do is in the conformance suite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, LoggingDriver, PodInfo, ResumingDriver, Wanted, Write
from sensord.drivers.movella_dot_wire import (
    COMMAND,
    MEASURE,
    RECORD,
    SAMPLES,
    STOP,
    Re,
    encode_record,
    encode_sample,
)
from sensord.drivers.sealed import seal
from sensord.errors import LinkError, LinkReason, PacketReason
from sensord.model import G_MPS2, NS, Packet, SampleBlock
from sensord.sim.pods.movella_dot import MovellaDotSim
from sensord.sim.sources import ArraySource
from tests.drivers.conformance import PLAIN, decoder_of, push_all, push_stubbornly, stamps, through_json
from tests.drivers.wireless import POD, Wire, pod_of, recorded

NAME = "movella-dot"


def sim(**options: object) -> MovellaDotSim:
    pod = pod_of(NAME, **options)
    assert isinstance(pod, MovellaDotSim)
    return pod


def driver() -> LoggingDriver:
    found = DRIVERS[NAME]
    assert isinstance(found, LoggingDriver)
    return found


def refused(wire: Wire, match: str, reason: LinkReason = LinkReason.SETUP) -> None:
    with pytest.raises(LinkError, match=match) as error:
        wire.start(driver())
    assert error.value.reason is reason


def sample(t_us: int, rx_ns: int, acc: float = 1.0) -> Packet:
    return Packet(POD, rx_ns, SAMPLES, encode_sample(t_us, (acc, 2.0, 3.0), (4.0, 5.0, 6.0)))


# ------------------------------------------------------------------------------------------------------------- live


def test_every_sample_has_its_own_notification_filled_up_with_zeros() -> None:
    _, packets = recorded(NAME, 1.0)
    assert {len(p.payload) for p in packets} == {40}
    assert len(packets) == pytest.approx(60, abs=2)


def test_what_is_behind_a_sample_must_be_zeros() -> None:
    info, packets = recorded(NAME, 0.5)
    decoder = decoder_of(NAME, info)
    other = replace(packets[0], payload=packets[0].payload[:-1] + b"\1")
    assert push_stubbornly(decoder, [other]) == []
    assert decoder.counts.rejected == {PacketReason.TYPE: 1}


def test_a_clock_with_jitter_is_measured_by_its_own_jitter() -> None:
    """Nobody has shown how steady its stamps are live: a millisecond of jitter loses nothing and invents nothing."""
    info, _ = recorded(NAME, 0.1)
    decoder = decoder_of(NAME, info)
    dice = np.random.default_rng(1)
    true = 1_000_000 + np.rint(np.arange(600) * 1e6 / 60).astype(int)
    told = true + dice.integers(-500, 501, 600)
    lost = {100, 101, 102, 250, 400, 401}
    packets = [sample(int(t), int(t) * 1000) for i, t in enumerate(told) if i not in lost]
    blocks = push_all(decoder, packets)
    assert decoder.counts.rejected == {}
    assert [b.missing_before for b in blocks if b.missing_before] == [3, 1, 2]


def test_the_wrap_may_happen_while_nobody_listens() -> None:
    """71.58 minutes: our clock says how often."""
    info, _ = recorded(NAME, 0.1)
    decoder = decoder_of(NAME, info)
    before = push_all(decoder, [sample(4_290_000_000, NS)])
    decoder.link_up(through_json(info))
    away_us = 3 * 2**32 + 600_000_000
    (after,) = push_all(decoder, [sample((4_290_000_000 + away_us) % 2**32, NS + away_us * 1000)])
    assert after.segment == before[0].segment == 0
    assert (after.t_pod_ns[0] - before[0].t_pod_ns[0]) == away_us * 1000
    assert after.missing_before == round(away_us * 60e-6) - 1


def test_a_clock_that_does_not_show_the_time_that_passed_is_another_one() -> None:
    info, _ = recorded(NAME, 0.1)
    decoder = decoder_of(NAME, info)
    push_all(decoder, [sample(600_000_000, NS)])
    decoder.link_up(through_json(info))
    (after,) = push_all(decoder, [sample(5_000_000, 61 * NS)])
    assert (after.segment, after.missing_before) == (1, None)


def test_one_pod_that_measures_still_is_stopped_before_it_is_set_up() -> None:
    wire = Wire(sim())
    wire.start(driver())
    wire.pod.drop_link()
    wire.requests.clear()
    wire.start(driver())
    writes = [(r.uuid, r.payload) for r in wire.requests if isinstance(r, Write)]
    assert writes[0] == (MEASURE, STOP)


@pytest.mark.parametrize(("wanted_hz", "rate_hz"), [(1.0, 20.0), (31.0, 30.0), (60.0, 60.0), (1000.0, 60.0)])
def test_the_nearest_rate_that_tells_steps_apart(wanted_hz: float, rate_hz: float) -> None:
    wire = Wire(sim())
    assert wire.start(driver(), Wanted(rate_hz=wanted_hz)).rate_hz == rate_hz


def test_a_pod_that_records_is_left_alone() -> None:
    wire = Wire(sim())
    wire.connect()
    wire.converse(driver().arm(PLAIN))
    wire.pod.drop_link()
    refused(wire, "it is recording")


def test_a_pod_that_does_not_take_the_rate_is_refused() -> None:
    class Stubborn(MovellaDotSim):
        def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
            if uuid in {COMMAND, MEASURE}:
                super().on_write(uuid, payload, now_ns)

    wire = Wire(Stubborn("D4:22:CD:00:00:01", "Movella DOT", now_ns=0))
    with pytest.raises(LinkError, match="told to do 30 Hz, and says 60 Hz"):
        wire.start(driver(), Wanted(rate_hz=30.0))


# -------------------------------------------------------------------------------------------------------------- log


def armed(pod: MovellaDotSim, away_s: int = 10) -> tuple[Wire, dict[str, object]]:
    wire = Wire(pod)
    wire.connect()
    info = wire.converse(driver().arm(PLAIN))
    assert isinstance(info, PodInfo)
    pod.drop_link()
    wire.now_ns += away_s * NS
    wire.connect()
    return wire, through_json(info)


def decoded(info: dict[str, object], kept: list[bytes]) -> tuple[list[SampleBlock], int | None]:
    decoder = driver().log_decoder(info)
    blocks = push_all(decoder, [Packet(POD, i, LOG, piece) for i, piece in enumerate(kept)])
    return blocks, decoder.counts.lost


def test_a_recording_says_which_axes_were_out_of_range() -> None:
    n = 1200
    saturated = np.zeros(n, np.uint8)
    saturated[600:606] = [1, 2, 4, 8, 16, 32]
    t_ns = np.rint(np.arange(n) * NS / 120).astype(np.int64)
    source = ArraySource(t_ns, np.full((n, 3), 5.0), np.zeros((n, 3)), saturated)
    wire, info = armed(sim(source=source, rate_hz=120.0), away_s=15)
    wire.converse(driver().recover(info))
    mask = np.concatenate([b.saturated for b in decoded(info, wire.kept)[0]])
    assert mask[mask > 0].tolist() == [1, 2, 4, 8, 16, 32]


def test_a_first_row_of_zeros_is_no_sample() -> None:
    wire, info = armed(sim(marks_first=True))
    wire.converse(driver().recover(info))
    blocks, lost = decoded(info, wire.kept)
    assert lost == 0
    assert np.all(np.diff(stamps(blocks)) < NS // 100)
    assert len(stamps(blocks)) == pytest.approx(10 * 120, abs=20)


def test_the_wrap_may_happen_during_a_recording() -> None:
    """Its clock wraps while it records: how long it recorded says how often."""
    pod = sim(uptime_us=2**32 - 120_000_000)
    wire, info = armed(pod, away_s=240)
    wire.converse(driver().recover(info))
    (_, first), *_, (now_ns, last) = wire.fixes
    assert last > 2**32 * 1000 > first
    assert abs(last - pod.clock_ns(now_ns)) < 50_000_000
    blocks, lost = decoded(info, wire.kept)
    assert lost == 0
    assert stamps(blocks)[-1] == pytest.approx(last, abs=NS)


def test_a_memory_that_is_not_empty_is_not_armed_and_not_erased() -> None:
    wire, info = armed(sim())
    wire.converse(driver().recover(info))
    with pytest.raises(LinkError, match="1 recordings, and can only be erased as a whole"):
        wire.converse(driver().arm(PLAIN))
    wire.converse(driver().release())
    assert wire.converse(driver().arm(PLAIN)).rate_hz == 120.0


def test_a_recording_of_somebody_else_is_not_taken_for_ours() -> None:
    pod = sim()
    wire, info = armed(pod)
    pod.files[0].utc_s = 1_700_000_000
    with pytest.raises(LinkError, match="not that of the armed run"):
        wire.converse(driver().recover(info))


def test_a_recording_on_another_clock_is_refused_by_name() -> None:
    """That recorded and live samples have one clock is what the driver takes for granted, and checks."""
    wire, info = armed(sim())
    rows = b"".join(encode_record(i, 5_000_000_000 + i * 8333, (1.0,) * 6, 0) for i in range(10))
    decoder = driver().log_decoder(info)
    assert push_stubbornly(decoder, [Packet(POD, 0, LOG, seal(1, 0, rows))]) == []
    assert decoder.counts.rejected == {PacketReason.TIME: 1}
    assert wire.kept == []


def test_a_sample_that_the_pod_found_broken_is_missing() -> None:
    wire, info = armed(sim())
    wire.converse(driver().recover(info))
    piece = wire.kept[0]
    rows = bytearray(piece[12:])
    at = 7 * RECORD.itemsize
    rows[at + 2], rows[at + RECORD.itemsize - 1] = Re.FILE_DATA_BAD, (rows[at + RECORD.itemsize - 1] - 5) % 256
    decoder = driver().log_decoder(info)
    blocks = push_all(decoder, [Packet(POD, 0, LOG, seal(1, 0, bytes(rows)))])
    assert (decoder.counts.lost, decoder.counts.damaged) == (1, 1)
    assert [b.missing_before for b in blocks] == [0, 1]


def test_holes_in_an_export_are_asked_for_again_from_there_on() -> None:
    pod = sim(seed=3)
    wire, info = armed(pod, away_s=30)
    pod.loss = 0.01
    wire.converse(driver().recover(info))
    again = [r for r in wire.requests if isinstance(r, Write) and r.uuid == COMMAND and r.payload[2] == Re.AGAIN]
    assert len(again) > 5
    blocks, lost = decoded(info, wire.kept)
    assert lost == 0
    assert len(stamps(blocks)) == len(pod.files[0].rows)


def test_a_download_that_broke_off_goes_on_where_it_was() -> None:
    pod = sim()
    wire, info = armed(pod, away_s=20)
    wire.converse(driver().recover(info))
    whole = wire.kept[:]
    assert len(whole) > 5
    found = DRIVERS[NAME]
    assert isinstance(found, ResumingDriver)
    for n in (1, 3, len(whole)):
        wire.kept.clear()
        wire.converse(found.resume(info, whole[n - 1]))
        blocks, lost = decoded(info, whole[:n] + wire.kept)
        assert lost == 0
        assert len(stamps(blocks)) == len(pod.files[0].rows)
        assert len(wire.kept) == len(whole) - n


def test_a_restart_ends_a_recording_and_what_was_recorded_is_fetched() -> None:
    pod = sim()
    wire, info = armed(pod)
    pod.reboot(wire.now_ns)
    wire.connect()
    wire.converse(driver().recover(info))
    assert len(stamps(decoded(info, wire.kept)[0])) == pytest.approx(10 * 120, abs=20)


def test_the_timer_is_what_the_memory_holds() -> None:
    for product, minutes in (("XS-T01", 44), ("XS-T02", 181), ("XS-T09", 44)):
        pod = sim(product=product)
        _, info = armed(pod, away_s=1)
        assert pod.files[0].seconds == minutes * 60
        assert PodInfo.from_json(info).details["log_minutes"] == minutes


def test_an_empty_battery_is_not_armed() -> None:
    pod = sim()
    pod.battery_pct = 5.0
    wire = Wire(pod)
    wire.connect()
    with pytest.raises(LinkError, match="nearly empty: 5 %"):
        wire.converse(driver().arm(PLAIN))


def test_live_values_at_the_range_are_marked() -> None:
    info, _ = recorded(NAME, 0.1)
    (block,) = push_all(decoder_of(NAME, info), [sample(1_000_000, NS, acc=16 * G_MPS2)])
    assert block.saturated.tolist() == [1]
    decoder = decoder_of(NAME, info)
    assert push_stubbornly(decoder, [sample(1_000_000, NS, acc=17 * G_MPS2)]) == []
    assert decoder.counts.rejected == {PacketReason.VALUE: 1}
