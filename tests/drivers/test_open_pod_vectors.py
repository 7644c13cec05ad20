"""Provenance: worked out by hand from docs/open-pod.md, so that encode and decode cannot be wrong together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import PodInfo
from sensord.model import Packet

# type 1, flags: saturated; seq 0x1234; t_first 0xFFFFFF00 us; span 1000 = 10 ms; 3 samples; rate id 5 = 200 Hz
DATA_HEX = (
    "01 01 3412 00ffffff e803 03 05"
    # acc    x    y    z  gyr  x    y    z
    " 0100 ffff 0008 0000 0080 ff7f"
    " 0040 00c0 0000 0100 0200 0300"
    " 5c7f a480 5d7f 0000 0000 0000"
)
DATA_RAW = [
    [1, -1, 2048, 0, -32768, 32767],
    [16384, -16384, 0, 1, 2, 3],
    [32604, -32604, 32605, 0, 0, 0],
]

# version 1, 3 streams, boot id 0x04030201, serial 1122334455667788, firmware 1.2.300,
# acc 3 axes 16 bit 32 g up to 833 Hz; gyr 3 axes 16 bit 2000 dps; high g 3 axes 12 bit 200 g; rates 200 and 416 Hz
INFO_HEX = (
    "01 03 01020304 1122334455667788 0100 0200 2c01"
    " 01 03 10 2000 01 4103"
    " 02 03 10 d007 02 4103"
    " 03 03 0c c800 01 4103"
    " 2001"
)

# version 1, rate id 5, acc 32 g, gyr 2000 dps, no high g, 10 samples a packet; and the state a pod appends
CONFIG_HEX = "01 05 2000 d007 0000 0a"

CLOCK_REQUEST_HEX = "01 78563412"
CLOCK_ANSWER_HEX = "02 78563412 0000000001000000 0a00000001000000"


def info(**changed: object) -> dict[str, object]:
    values: dict[str, object] = {
        "driver": "open-pod",
        "model": "Open Pod",
        "firmware": "1.2.300",
        "serial": "1122334455667788",
        "rate_hz": 200.0,
        "acc_range_g": 16.0,
        "gyr_range_dps": 2000.0,
        "clock": "us32",
        "boot_id": 1,
    }
    return {**values, **changed}


def test_data_decodes_to_what_the_bytes_say() -> None:
    packet = wire.decode_data(bytes.fromhex(DATA_HEX))
    assert (packet.seq, packet.t_first_us, packet.span_10us, packet.rate_id) == (0x1234, 0xFFFFFF00, 1000, 5)
    assert packet.flags == wire.Flag.SATURATED
    assert packet.period_us == 5000.0
    assert packet.raw.tolist() == DATA_RAW


def test_data_encodes_to_these_bytes() -> None:
    raw = np.array(DATA_RAW, np.int16)
    packet = wire.DataPacket(0x1234, 0xFFFFFF00, 1000, 5, wire.Flag.SATURATED, raw)
    assert wire.encode_data(packet) == bytes.fromhex(DATA_HEX)
    wrapped = wire.DataPacket(0x1234 + 2**16, 0xFFFFFF00 + 2**32, 1000, 5, wire.Flag.SATURATED, raw)
    assert wire.encode_data(wrapped) == bytes.fromhex(DATA_HEX)


def test_data_in_units() -> None:
    """16 g over 32768: 2048 LSB are exactly 1 g; 2000 dps: -32768 LSB are -2000 dps; 5 ms apart."""
    decoder = DRIVERS["open-pod"].decoder(info(clock_us=2**32 + 5_000_000))
    (block,) = decoder.push(Packet("pod", 77, wire.DATA, bytes.fromhex(DATA_HEX)))
    first_ns = 0xFFFFFF00 * 1000
    assert block.t_pod_ns.tolist() == [first_ns, first_ns + 5_000_000, first_ns + 10_000_000]
    assert block.acc_mps2[0, 2] == pytest.approx(9.80665, rel=1e-12)
    assert block.acc_mps2[1].tolist() == pytest.approx([8 * 9.80665, -8 * 9.80665, 0.0], rel=1e-12)
    assert block.gyr_radps[0, 1] == pytest.approx(math.radians(-2000), rel=1e-12)
    # 0.995 of 32768 is 32604.16: 32604 is below, 32605 at it; bits 0-2 acc, 3-5 gyr
    assert block.saturated.tolist() == [0b110000, 0, 0b000100]
    assert (block.segment, block.t_rx_ns, block.missing_before) == (0, 77, 0)
    assert block.acc_range_mps2 == pytest.approx(16 * 9.80665)
    assert block.gyr_range_radps == pytest.approx(math.radians(2000))
    assert block.high_g_mps2 is None


def test_high_g_data() -> None:
    """Type 2: 18 bytes a sample; 200 g over 32768."""
    payload = bytes.fromhex("02 00 0000 10270000 0000 01 05 0100 0200 0300 0400 0500 0600 0040 00c0 ff7f")
    packet = wire.decode_data(payload)
    assert packet.raw.tolist() == [[1, 2, 3, 4, 5, 6, 16384, -16384, 32767]]
    assert wire.encode_data(packet) == payload
    (block,) = DRIVERS["open-pod"].decoder(info(high_g_range_g=200.0)).push(Packet("pod", 0, wire.DATA, payload))
    assert block.t_pod_ns.tolist() == [10_000_000]
    assert block.high_g_mps2 is not None
    assert block.high_g_mps2[0, :2].tolist() == pytest.approx([980.665, -980.665])


def test_info_both_ways() -> None:
    identity = wire.Identity(
        boot_id=0x04030201,
        serial=bytes.fromhex("1122334455667788"),
        firmware=(1, 2, 300),
        streams=(
            wire.Stream(wire.Kind.ACC, 32, 833),
            wire.Stream(wire.Kind.GYR, 2000, 833),
            wire.Stream(wire.Kind.HIGH_G, 200, 833, bits=12),
        ),
        rate_ids=(5, 8),
    )
    assert wire.encode_info(identity) == bytes.fromhex(INFO_HEX)
    assert wire.decode_info(bytes.fromhex(INFO_HEX)) == identity
    assert wire.decode_info(bytes.fromhex(INFO_HEX) + b"later versions may say more") == identity
    assert [wire.RATES_HZ[i] for i in identity.rate_ids] == [200.0, 416.0]


def test_config_both_ways() -> None:
    config = wire.Config(rate_id=5, acc_range_g=32, gyr_range_dps=2000, high_g_range_g=0, batch=10)
    assert wire.encode_config(config) == bytes.fromhex(CONFIG_HEX)
    assert wire.decode_config(bytes.fromhex(CONFIG_HEX) + b"\x01") == config


def test_clock_both_ways() -> None:
    assert wire.encode_clock_request(0x12345678) == bytes.fromhex(CLOCK_REQUEST_HEX)
    assert wire.encode_clock_answer(0x12345678, 2**32, 2**32 + 10) == bytes.fromhex(CLOCK_ANSWER_HEX)
    assert wire.decode_clock_answer(bytes.fromhex(CLOCK_ANSWER_HEX)) == (0x12345678, 2**32, 2**32 + 10)
    assert wire.decode_clock_answer(bytes.fromhex(CLOCK_REQUEST_HEX)) is None


def test_characteristics_are_where_the_specification_says() -> None:
    assert wire.SERVICE == "b36f0000-49ab-4604-a44b-7b6e133ce625"
    assert [u[4:8] for u in (wire.INFO, wire.CONFIG, wire.CONTROL, wire.DATA, wire.CLOCK)] == [
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
    ]
    assert PodInfo.from_json(info()).to_json()["details"] == {}


def test_a_high_g_sensor_at_its_end_is_told() -> None:
    raw = np.zeros((6, 9), np.int16)
    raw[[1, 2, 3], [6, 7, 8]] = (32767, -32768, 32605)
    raw[4, 8] = 32604
    raw[5, [0, 5, 8]] = 32767
    payload = wire.encode_data(wire.DataPacket(0, 0, 2500, wire.RATES_HZ.index(200.0), wire.Flag(0), raw))
    (block,) = DRIVERS["open-pod"].decoder(info(high_g_range_g=200.0)).push(Packet("pod", 0, wire.DATA, payload))
    assert block.saturated.tolist() == [0, 64, 64, 64, 0, 64 | 32 | 1]
