"""Known bytes of MetaMotion boards. Provenance: as each vector says; "the maker's tests" are those of
mbientlab/MetaWear-SDK-Cpp f67699e5, whose values are what the maker's own code makes of the bytes."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sensord.drivers import metamotion_wire as wire
from sensord.drivers.base import LOG
from sensord.drivers.metamotion import MetaMotion
from sensord.model import G_MPS2, Packet
from sensord.sim.pods.metamotion import MetaMotionSim
from tests.drivers.wireless import ADDRESS, Wire

INFO = {
    "driver": "metamotion", "model": "MetaMotion RL", "firmware": "1.7.2", "serial": "055B9E", "rate_hz": 100.0,
    "acc_range_g": 2.0, "gyr_range_dps": 500.0, "clock": "tick32", "boot_id": 5, "clock_us": 0,
    "details": {"clock_ticks": 0, "processor": 3, "log_ids": [0, 1, 2, 3]},
}  # fmt: skip

ACC_4_G = "030416c494a22ad0"
"""Provenance: the maker's tests, test_accelerometer_bmi160.py."""

ACC_8_G_PACKED = "030562b7530de9fd16d04d0e57028affa1050a01"
"""Provenance: the maker's tests, test_accelerometer_bmi270.py."""

GYR_500_DPS = "13053e43ff7f0080"
GYR_1000_DPS_PACKED = "13070915ad2608de8a1a0d2665e48d20ac2773ec"
"""Provenance: the maker's tests, test_gyro_bmi160.py."""

TIMED = (
    "090300a6330d00c100b12419cd", "090300ad330d00d4001825c0cc", "090300b4330d00c7000925b2cc",
    "090300ba330d00c5001725bccc", "090300c1330d00d400e924e4cc", "090300c8330d00af00f724e3cc",
)  # fmt: skip
COUNTED = "090300ec010000010b9a074040"
FUSED = "0903031e020000f40d3c3999110180d691d367"
"""Provenance: the maker's tests, test_dataprocessor.py; 2 g, 100 Hz; the last is counted, not timed."""

ENTRIES_8_G = "0b07a0e6420000f5003d01a1e6420000dd0f0000"
"""Provenance: the maker's tests, logdata.py."""

ENTRIES_A_TICK_APART = "0b0720751b04003e01cd0121761b0400c0070000"
"""Provenance: the maker's tests, test_logging.py."""

BATTERY = "118c633410"
"""Provenance: the maker's tests, test_settings.py."""

CHAIN = ("09021305ffa00f05", "09020304ffa01b01" + "00" * 12, "090209030160113103")
"""Provenance: the maker's tests, TestFuser and TestFuserAccounter (there with another processor in between)."""

TRIGGERS = ("0b020304ff60", "0b020304ff24")
"""Provenance: the maker's tests, test_logging_mms.py."""

CONNECTION = "11095802200380006606"
"""Provenance: the maker's tests, test_settings.py: 750 to 1000 ms, latency 128, timeout 16.384 s."""


def raw(text: str) -> np.ndarray:
    return wire.decode_axes(bytes.fromhex(text))[2].astype(float)


def test_a_sensor_alone() -> None:
    assert (raw(ACC_4_G) / wire.acc_lsb_per_g(4.0)).tolist()[0] == pytest.approx([-1.872314, -2.919434, -1.494873])
    expected = [262.409, 499.497, -499.512]
    assert (raw(GYR_500_DPS) / wire.gyr_lsb_per_dps(500.0)).tolist()[0] == pytest.approx(expected, abs=5e-4)
    assert wire.decode_axes(bytes.fromhex(ACC_4_G))[:2] == (3, 4)


def test_three_at_once() -> None:
    acc = [[-4.539, 0.833, -0.131], [-2.995, 0.894, 0.146], [-0.029, 0.352, 0.065]]
    assert np.allclose(raw(ACC_8_G_PACKED) / wire.acc_lsb_per_g(8.0), acc, rtol=0, atol=5e-4)
    gyr = [[164.177, 301.86, -265.122], [207.134, 296.982, -215.457], [254.055, 309.634, -152.591]]
    assert np.allclose(raw(GYR_1000_DPS_PACKED) / wire.gyr_lsb_per_dps(1000.0), gyr, rtol=0, atol=5e-4)


def test_a_timed_sample() -> None:
    processor, tick, values = wire.decode_stamped(bytes.fromhex(TIMED[0]))
    assert (processor, tick) == (0, 865190)
    assert [v / wire.acc_lsb_per_g(2.0) for v in values] == pytest.approx([0.0118, 0.573, -0.795], abs=5e-4)
    ticks = [wire.decode_stamped(bytes.fromhex(text))[1] for text in TIMED]
    assert [b - a for a, b in pairwise(ticks)] == [7, 7, 6, 7, 7]
    assert [round((b - a) * 48e3 / 32768) for a, b in pairwise(ticks)] == [10, 10, 9, 10, 10]


def test_a_counted_sample() -> None:
    assert wire.decode_stamped(bytes.fromhex(COUNTED)) == (0, 492, (2817, 1946, 16448))


def test_a_fused_sample() -> None:
    """As the driver reads it: its count stands for a tick."""
    expected = (3, 542, (3572, 14652, 4505, -32767, -28202, 26579))
    assert wire.decode_stamped(bytes.fromhex(FUSED)) == expected
    assert wire.encode_stamped(*expected) == bytes.fromhex(FUSED)
    [block] = MetaMotion().decoder(INFO).push(Packet("pod", 1, wire.NOTIFY, bytes.fromhex(FUSED)))
    assert block.t_pod_ns.tolist() == [round(542.5 * 48e9 / 32768)]
    assert (block.acc_mps2 / G_MPS2 * 16384).tolist()[0] == pytest.approx([3572, 14652, 4505])
    assert (np.rad2deg(block.gyr_radps) * 65.6).tolist()[0] == pytest.approx([-32767, -28202, 26579])
    assert block.saturated.tolist() == [0b001000]


def test_a_pair_of_log_entries() -> None:
    entries = wire.decode_entries(bytes.fromhex(ENTRIES_8_G))
    assert (entries["id"] & wire.ENTRY_ID).tolist() == [0, 1]
    assert (entries["id"] >> 5).tolist() == [5, 5]
    assert entries["tick"].tolist() == [17126, 17126]
    gyr = [(2 | 5 << 5, 17126, 0), (3 | 5 << 5, 17126, 0)]
    more = np.array(gyr, wire.ENTRY).tobytes()
    decoder = MetaMotion().log_decoder({**INFO, "acc_range_g": 8.0})
    [block] = decoder.push(Packet("pod", 1, LOG, wire.seal(bytes.fromhex(ENTRIES_8_G)[2:] + more)))
    assert (block.acc_mps2 / G_MPS2).tolist()[0] == pytest.approx([0.0598, 0.0774, 0.9915], abs=5e-5)
    assert block.t_pod_ns.tolist() == [round(17126.5 * 48e9 / 32768)]


def test_a_pair_whose_tick_changed_in_between() -> None:
    ticks = wire.decode_entries(bytes.fromhex(ENTRIES_A_TICK_APART))["tick"].tolist()
    assert ticks == [0x41B75, 0x41B76]
    gyr = np.array([(2 | 1 << 5, 0x41B76, 0), (3 | 1 << 5, 0x41B76, 0)], wire.ENTRY).tobytes()
    decoder = MetaMotion().log_decoder({**INFO, "boot_id": 1})
    [block] = decoder.push(Packet("pod", 1, LOG, wire.seal(bytes.fromhex(ENTRIES_A_TICK_APART)[2:] + gyr)))
    assert (block.acc_mps2 / G_MPS2 * 16384).tolist()[0] == pytest.approx([0x13E, 0x1CD, 0x7C0])


def test_battery() -> None:
    assert wire.decode_battery(bytes.fromhex(BATTERY)[2:]) == (99, 4.148)


def test_commands_are_those_of_the_maker() -> None:
    driver = MetaMotion()
    wire_ = Wire(MetaMotionSim(ADDRESS, "MetaWear", now_ns=0, board=wire.MMRL))
    wire_.start(driver)
    sent = [request.payload.hex() for request in wire_.requests if getattr(request, "uuid", "") == wire.COMMAND]
    at = sent.index(CHAIN[0])
    assert tuple(sent[at : at + 3]) == CHAIN
    assert [wire.encode_trigger(3, 4, *chunk).hex() for chunk in ((4, 0), (2, 4))] == list(TRIGGERS)
    assert wire.encode_connection(750.0, 1000.0, 128, 16384).hex() == CONNECTION
    assert wire.encode_readout(1000, 20).hex() == "0b06e803000014000000"  # the maker's USB page, chapter 4


@pytest.mark.data
def test_vectors_are_those_of_the_reference() -> None:
    file = Path(os.environ["SENSORD_DATA"]).parent / "reference" / "vectors" / "hardware_vectors.json"
    if not file.exists():
        pytest.skip("no reference vectors beside the recordings")
    known = {v["hex"] for v in json.loads(file.read_text()) if v["device"] == "metamotion"}
    ours = {ACC_4_G, ACC_8_G_PACKED, GYR_500_DPS, GYR_1000_DPS_PACKED, TIMED[0], COUNTED, FUSED, ENTRIES_8_G, BATTERY}
    assert ours == known
