"""Known bytes of a Shimmer3R. Provenance is named at each: the maker's unit tests and firmware self-test
(ShimmerResearch/shimmer-web-sdk @4ae69dce), or derived from the tables that `shimmer3r_wire` names."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from sensord.drivers.shimmer3r_stream import ShimmerDecoder
from sensord.drivers.shimmer3r_wire import (
    DATA,
    SENSORS_ACC,
    SENSORS_GYR,
    SENSORS_HIGH_G,
    Inquiry,
    Op,
    Schema,
    crc16,
    decode_inquiry,
    default_calibration,
    encode_inquiry,
    encode_sample,
    inquiry_bytes,
    settings_of,
)
from sensord.model import Packet

GYR_ONLY = (0x0A, 0x0B, 0x0C)
ALL = (0x0A, 0x0B, 0x0C, 0x00, 0x01, 0x02, 0x14, 0x15, 0x16)

VECTORS = {
    # vendor unit test: tests/shimmer3r/transport-loopback.test.ts
    "set sampling rate 51.2 Hz": "058002",
    "inquiry response, gyro only, 51.2 Hz (after ACK 0xFF)": "0280020000000000000003010a0b0c",
    # vendor unit test: tests/calibration/streaming.test.ts
    "gyro frame ts=100": "00640000e500ca01af02",
    # vendor firmware self-test: tests/shimmer3r/sd-transfer.test.ts
    "CRC16 seed B0CA": "0102030405060708",
    "CRC16 odd length": "010203040506070809",
    # vendor unit test: tests/shimmer3r/rwc.test.ts
    "GET_RWC reply": "900807060504030201",
    # vendor unit test: tests/shimmer3r/data-rate-test.test.ts
    "data-rate-test packet": "a501000000",
    # derived: sensor bitmap table
    "set sensors gyro+LN acc+high-g": "08c00040",
    # derived: a divisor of 32768 Hz
    "set sampling rate 256 Hz": "058000",
    # derived: the maker's default calibration (src/devices/calibration/defaults.ts)
    "frame gyro(range0)+LN acc(±16 g)+high-g, default cal": "00452301e500ca01af02d6f7d1005efe06e0f9201fe0",
}


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def info(channels: tuple[int, ...], divisor: int = 640, **ranges: int) -> dict[str, object]:
    codes = {"acc": ranges.get("acc", 3), "gyr": ranges.get("gyr", 0), "high_g": 0}
    return {
        "driver": "shimmer3r",
        "model": "Shimmer3R",
        "firmware": "1.01.009",
        "serial": "0123456789ab",
        "rate_hz": 32768 / divisor,
        "acc_range_g": 16.0,
        "gyr_range_dps": 125.0,
        "clock": "u24 32768 Hz",
        "high_g_range_g": 200.0 if 0x14 in channels else None,
        "details": {
            "channels": list(channels),
            "divisor": divisor,
            "clock_ticks": 0,
            "calibration": {name: default_calibration(name, code).to_json() for name, code in codes.items()},
        },
    }


def test_commands() -> None:
    assert bytes([Op.SET_RATE]) + (640).to_bytes(2, "little") == vector("set sampling rate 51.2 Hz")
    assert bytes([Op.SET_RATE]) + (128).to_bytes(2, "little") == vector("set sampling rate 256 Hz")
    bitmap = SENSORS_ACC | SENSORS_GYR | SENSORS_HIGH_G
    assert bitmap == 4194496
    assert bytes([Op.SET_SENSORS]) + bitmap.to_bytes(3, "little") == vector("set sensors gyro+LN acc+high-g")


def test_inquiry() -> None:
    response = vector("inquiry response, gyro only, 51.2 Hz (after ACK 0xFF)")
    assert response[0] == Op.INQUIRY_RSP
    assert inquiry_bytes(response[1:]) == len(response) - 1
    found = decode_inquiry(response[1:])
    assert (32768 / found.divisor, found.channels) == (51.2, GYR_ONLY)
    assert encode_inquiry(found) == response[1:]


@pytest.mark.parametrize("acc_code", range(4))
@pytest.mark.parametrize("gyr_code", range(6))
def test_ranges_in_an_inquiry(acc_code: int, gyr_code: int) -> None:
    """Derived from the bit table: accelerometer bits 30-31, gyroscope bits 16-17 and 34 of the settings."""
    found = decode_inquiry(encode_inquiry(Inquiry(160, settings_of(acc_code, gyr_code), ALL)))
    assert (found.acc_code, found.gyr_code) == (acc_code, gyr_code)
    assert found.settings[3] >> 6 == acc_code
    assert found.settings[2] & 3 | (found.settings[4] >> 2 & 1) << 2 == gyr_code


@pytest.mark.parametrize(
    ("name", "crc"), [("CRC16 seed B0CA", 0x48AA), ("CRC16 odd length", 0x2A5D)], ids=["even", "odd"]
)
def test_checksum(name: str, crc: int) -> None:
    assert crc16(vector(name)) == crc
    assert crc16(memoryview(vector(name))) == crc
    assert crc16(bytes.fromhex("0102030405060708090a")) == 0x8B17


def test_clock() -> None:
    reply = vector("GET_RWC reply")
    assert reply[0] == Op.CLOCK_RSP
    assert int.from_bytes(reply[1:], "little") == 72623859790382856


def test_throughput_counter() -> None:
    """We never ask for it; its bytes are here so that no one takes the opcode for something else."""
    packet = vector("data-rate-test packet")
    assert packet[0] not in set(Op)
    assert int.from_bytes(packet[1:], "little") == 1


def test_gyro_frame() -> None:
    """A sample of gyro channels only, as another program may have left the pod: its words and their values."""
    frame = vector("gyro frame ts=100")
    padded = Schema((*GYR_ONLY, 0x00, 0x01, 0x02))
    record = np.frombuffer(frame[1:] + bytes(6), np.uint8)[None]
    assert padded.ticks(record).tolist() == [100]
    raw = padded.words(record)[0, 3:6]
    assert raw.tolist() == [229, 458, 687]
    gyr = default_calibration("gyr", 0)
    assert (gyr.matrix() @ (raw - gyr.offset)).tolist() == pytest.approx([-1, 2, -3])


def test_whole_frame() -> None:
    frame = vector("frame gyro(range0)+LN acc(±16 g)+high-g, default cal")
    decoder = ShimmerDecoder(info(ALL))
    (block,) = decoder.push(Packet("pod", 0, DATA, encode_sample(frame[1:])))
    assert block.t_pod_ns.tolist() == [round(74565 / 32768 * 1e9)]
    assert np.rad2deg(block.gyr_radps[0]).tolist() == pytest.approx([-1, 2, -3])
    assert block.acc_mps2[0].tolist() == pytest.approx([10, 1, 2])
    assert block.high_g_mps2 is not None
    assert block.high_g_mps2[0].tolist() == pytest.approx([-120, 100, -500])
    assert block.saturated.tolist() == [0]
    assert Schema(ALL).words(np.frombuffer(frame[1:], np.uint8)[None])[0, 6:].tolist() == [110, -110, 510]


def test_order_of_channels_is_what_inquiry_says() -> None:
    """Derived: the same values in any order of channels, and with channels in between that are not ours."""
    whole = ShimmerDecoder(info(ALL))
    frame = vector("frame gyro(range0)+LN acc(±16 g)+high-g, default cal")
    (expected,) = whole.push(Packet("pod", 0, DATA, encode_sample(frame[1:])))
    at = dict(zip(ALL, range(4, 22, 2), strict=True))
    for order in (ALL[::-1], (0x16, 0x1A, 0x0B, 0x1D, *(c for c in ALL if c not in (0x16, 0x0B)), 0x03)):
        widths = {0x1A: 3, 0x1D: 1, 0x03: 2}
        record = frame[1:4]
        for channel in order:
            record += frame[at[channel] : at[channel] + 2] if channel in at else b"\x55" * widths[channel]
        (block,) = ShimmerDecoder(info(order)).push(Packet("pod", 0, DATA, encode_sample(record)))
        assert np.array_equal(block.acc_mps2, expected.acc_mps2)
        assert np.array_equal(block.gyr_radps, expected.gyr_radps)
        assert block.high_g_mps2 is not None
        assert np.array_equal(block.high_g_mps2, expected.high_g_mps2)


def test_low_g_and_high_g_come_in_the_same_frame() -> None:
    """Derived: one and the same acceleration, as each sensor's default alignment says that it would count it."""
    truth = np.array([40.0, -70.0, 110.0])
    counts = {}
    for sensor, code in (("acc", 3), ("high_g", 0)):
        cal = default_calibration(sensor, code)
        turned = np.array(cal.alignment).reshape(3, 3) @ truth
        counts[sensor] = np.rint(turned * cal.sensitivity + cal.offset).astype(int)
    words = np.concatenate([counts["acc"], [0, 0, 0], counts["high_g"]])[None]
    record = Schema(ALL).encode(np.array([320]), words)[0].tobytes()
    (block,) = ShimmerDecoder(info(ALL)).push(Packet("pod", 0, DATA, encode_sample(record)))
    assert block.high_g_mps2 is not None
    assert block.acc_mps2[0] == pytest.approx(truth, abs=0.01)
    assert block.high_g_mps2[0] == pytest.approx(truth, abs=1.0)
    assert math.isclose(block.t_pod_ns[0], 320 / 32768 * 1e9, abs_tol=1)


def test_the_collected_vectors_are_these() -> None:
    """Where the collection that they were taken from is at hand, it says the same."""
    data = os.environ.get("SENSORD_DATA")
    file = Path(data).parent / "reference" / "vectors" / "hardware_vectors.json" if data else None
    if file is None or not file.exists():
        pytest.skip("the collection of vectors is not at hand")
    collected = {v["name"]: v["hex"] for v in json.loads(file.read_text()) if v["device"] == "shimmer3r"}
    assert collected == VECTORS
