"""Bytes of the Bluetooth SIG's profiles and what they mean. Provenance in each line's id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.drivers import DRIVERS
from sensord.drivers.standard_wire import (
    HEART_MEASUREMENT,
    POWER_MEASUREMENT,
    RSC_MEASUREMENT,
    Heart,
    Power,
    Rsc,
    RscFeature,
    decode_heart,
    decode_power,
    decode_rsc,
    encode_heart,
    encode_power,
    encode_rsc,
)
from sensord.errors import PacketError, PacketReason
from sensord.model import Packet

THIRD_PARTY = "third-party unit test, RonanB96/bluetooth-sig-python@27bdb3d"
DERIVED = "derived from RSCS 1.0"


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param("008002b4", Rsc(2.5, 180, False), id=THIRD_PARTY),
        pytest.param("018002b45500", Rsc(2.5, 180, False, 0.85), id=f"{THIRD_PARTY}, stride length"),
        pytest.param("028002b410270000", Rsc(2.5, 180, False, None, 1000.0), id=f"{THIRD_PARTY}, distance"),
        pytest.param("078003b4750039300000", Rsc(3.5, 180, True, 1.17, 1234.5), id=f"{DERIVED}, all fields"),
    ],
)
def test_running_speed_and_cadence(payload: str, value: Rsc) -> None:
    found = decode_rsc(bytes.fromhex(payload))
    assert (found.speed_mps, found.cadence_per_min, found.running) == (
        value.speed_mps, value.cadence_per_min, value.running,
    )  # fmt: skip
    assert found.stride_length_m == pytest.approx(value.stride_length_m)
    assert found.distance_m == pytest.approx(value.distance_m)
    assert encode_rsc(value).hex() == payload


def test_rsc_feature() -> None:
    assert RscFeature(int.from_bytes(bytes.fromhex("1f00"), "little")) == RscFeature(31)
    assert RscFeature.WALK_OR_RUN in RscFeature(31)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param("0000fa00", Power(250), id=THIRD_PARTY),
        pytest.param("2000700190010004", Power(368, 400, 1024), id=f"{THIRD_PARTY}, crank"),
    ],
)
def test_power(payload: str, value: Power) -> None:
    assert decode_power(bytes.fromhex(payload)) == value
    assert encode_power(value).hex() == payload


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param("0050", Heart(80), id=THIRD_PARTY),
        pytest.param("01c800", Heart(200), id=f"{THIRD_PARTY}, 16 bit"),
        pytest.param("105a00080010", Heart(90, (2.0, 4.0)), id=f"{THIRD_PARTY}, R-R"),
        pytest.param("0450", Heart(None), id="derived from HRS 1.0: not on the skin"),
        pytest.param("0650", Heart(80), id="derived from HRS 1.0: on the skin"),
        pytest.param("08500100", Heart(80), id="derived from HRS 1.0: energy"),
    ],
)
def test_heart_rate(payload: str, value: Heart) -> None:
    assert decode_heart(bytes.fromhex(payload)) == value


@given(
    speed=st.integers(0, 65535),
    cadence=st.integers(0, 255),
    running=st.booleans(),
    stride=st.none() | st.integers(0, 65535),
    distance=st.none() | st.integers(0, 2**32 - 1),
)
def test_rsc_round_trip(speed: int, cadence: int, running: bool, stride: int | None, distance: int | None) -> None:
    sent = Rsc(
        speed / 256,
        cadence,
        running,
        None if stride is None else stride / 100,
        None if distance is None else distance / 10,
    )
    got = decode_rsc(encode_rsc(sent))
    assert encode_rsc(got) == encode_rsc(sent)
    assert (got.distance_m is None, got.stride_length_m is None) == (distance is None, stride is None)


@given(rate=st.none() | st.integers(1, 65535), rr=st.lists(st.integers(0, 65535), max_size=9))
def test_heart_round_trip(rate: int | None, rr: list[int]) -> None:
    sent = Heart(rate, tuple(one / 1024 for one in rr))
    assert decode_heart(encode_heart(sent)) == sent


INFO = {
    "driver": "standard", "model": "", "firmware": "", "serial": "", "rate_hz": 0.0, "acc_range_g": 0.0,
    "gyr_range_dps": 0.0, "clock": "none", "details": {"profiles": ["rsc"], "tells_running": True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("uuid", "payload", "reason"),
    [
        (RSC_MEASUREMENT, "0080", PacketReason.TOO_SHORT),
        (RSC_MEASUREMENT, "018002b4", PacketReason.LENGTH),
        (RSC_MEASUREMENT, "008002b400", PacketReason.LENGTH),
        (POWER_MEASUREMENT, "000000", PacketReason.TOO_SHORT),
        (POWER_MEASUREMENT, "20007001900100", PacketReason.LENGTH),
        (HEART_MEASUREMENT, "", PacketReason.TOO_SHORT),
        (HEART_MEASUREMENT, "10500008ff", PacketReason.LENGTH),
        ("00002a19-0000-1000-8000-00805f9b34fb", "64", PacketReason.CHARACTERISTIC),
    ],
)
def test_what_does_not_fit_is_refused_by_name(uuid: str, payload: str, reason: PacketReason) -> None:
    decoder = DRIVERS["standard"].decoder(INFO)
    with pytest.raises(PacketError) as caught:
        decoder.push(Packet("pod", 0, uuid, bytes.fromhex(payload)))
    assert caught.value.reason is reason
    assert decoder.counts.rejected == {reason: 1}
