"""Samples and readings that were understood elsewhere, as packets of a run file: nothing is changed on the way."""

from __future__ import annotations

import zlib
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import DRIVERS, READERS
from sensord.drivers.base import PodInfo
from sensord.drivers.recorded import HEAD, NAME, READING, SAMPLES, encode_reading, encode_samples
from sensord.errors import LinkError, PacketError, PacketReason
from sensord.model import G_MPS2, Packet, Reading, SampleBlock

INFO = PodInfo(NAME, "a file", "", "f00d", 200.0, 16.0, 2000.0, "none")


def block(n: int, *, high_g: bool = False, missing: int | None = 3) -> SampleBlock:
    dice = np.random.default_rng(n)
    return SampleBlock(
        t_pod_ns=np.cumsum(dice.integers(1, 9_000_000, n)),
        acc_mps2=dice.normal(0, 40, (n, 3)),
        gyr_radps=dice.normal(0, 9, (n, 3)),
        saturated=dice.integers(0, 64, n).astype(np.uint8),
        segment=n,
        t_rx_ns=7,
        missing_before=missing,
        acc_range_mps2=16 * G_MPS2,
        gyr_range_radps=float(np.deg2rad(2000)),
        high_g_mps2=dice.normal(0, 400, (n, 3)) if high_g else None,
    )


def decoded(payload: bytes, characteristic: str = SAMPLES) -> object:
    (one,) = READERS[NAME].decoder(INFO.to_json()).push(Packet("a", 7, characteristic, payload))
    return one


def same(a: object, b: object) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 300), high_g=st.booleans(), missing=st.sampled_from([None, 0, 12]))
def test_a_block_comes_back_to_the_bit(n: int, high_g: bool, missing: int | None) -> None:
    sent = block(n, high_g=high_g, missing=missing)
    got = decoded(encode_samples(sent))
    assert isinstance(got, SampleBlock)
    assert all(same(getattr(got, f.name), getattr(sent, f.name)) for f in fields(SampleBlock))


@pytest.mark.parametrize(
    "reading",
    [
        Reading(7),
        Reading(7, speed_mps=2.5, cadence_per_min=176.0, distance_m=1234.5, running=True),
        Reading(7, segment=2, heart_rate_bpm=140.0, rr_s=(0.42, 0.44)),
    ],
)
def test_a_reading_comes_back_whole_and_unmeasured_stays_unmeasured(reading: Reading) -> None:
    assert decoded(encode_reading(reading), READING) == reading


GOOD = zlib.decompress(encode_samples(block(5)))


@pytest.mark.parametrize(
    ("payload", "characteristic", "reason"),
    [
        (b"", SAMPLES, PacketReason.LENGTH),
        (b"junk", SAMPLES, PacketReason.CHECKSUM),
        (encode_samples(block(5))[:-9], SAMPLES, PacketReason.LENGTH),
        (zlib.compress(GOOD[:4]), SAMPLES, PacketReason.TOO_SHORT),
        (zlib.compress(b"\2" + GOOD[1:]), SAMPLES, PacketReason.TYPE),
        (zlib.compress(GOOD + b"\0"), SAMPLES, PacketReason.LENGTH),
        (zlib.compress(HEAD.pack(1, 0, 0, 0, 0)), SAMPLES, PacketReason.COUNT),
        (zlib.compress(b"\0" * 10_000_000), SAMPLES, PacketReason.LENGTH),
        (zlib.compress(GOOD[:12] + GOOD[20:28] + GOOD[12:20] + GOOD[28:]), SAMPLES, PacketReason.TIME),
        (b"{", READING, PacketReason.TYPE),
        (b'{"colour":1}', READING, PacketReason.TYPE),
        (b"[1]", READING, PacketReason.TYPE),
        (b'{"speed_mps":NaN}', READING, PacketReason.VALUE),
        (b'{"speed_mps":"3"}', READING, PacketReason.VALUE),
        (b'{"running":1.5}', READING, PacketReason.VALUE),
        (b'{"segment":0.5}', READING, PacketReason.VALUE),
        (b'{"rr_s":[0.4,"x"]}', READING, PacketReason.VALUE),
        (b'{"rr_s":4}', READING, PacketReason.TYPE),
        (b"{}", "2a37", PacketReason.CHARACTERISTIC),
    ],
)
def test_what_is_no_packet_of_ours_is_refused_by_name_and_counted(
    payload: bytes, characteristic: str, reason: PacketReason
) -> None:
    decoder = READERS[NAME].decoder(INFO.to_json())
    with pytest.raises(PacketError) as caught:
        decoder.push(Packet("a", 7, characteristic, payload))
    assert caught.value.reason is reason
    assert decoder.counts.rejected == {reason: 1}
    assert decoder.push(Packet("a", 8, SAMPLES, encode_samples(block(5))))


def test_it_is_no_pod_and_reads_only_its_own() -> None:
    assert NAME not in DRIVERS
    with pytest.raises(LinkError):
        READERS[NAME].decoder({"driver": "open-pod"})
