"""Known bytes of WitMotion pods. Provenance: as each vector says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from sensord.drivers import witmotion_wire as wire
from sensord.drivers.witmotion import WitMotion
from sensord.model import G_MPS2, Packet

INFO = {
    "driver": "witmotion", "model": "", "firmware": "", "serial": "", "rate_hz": 200.0, "acc_range_g": 16.0,
    "gyr_range_dps": 2000.0, "clock": "none", "details": {"gatt": "ffe5"},
}  # fmt: skip
GYR_DPS = [1000.0, -500.0, 1999.939]

ANSWER = "55713a00680169007a0000000000000000000000"
"""Provenance: example in the manual of the WT9011DCL (magnetic field)."""

SAMPLE = "5561000800f00040004000e0ff7f002000c00000"
"""Provenance: derived from the vendor's protocol page, never captured."""

CUT = SAMPLE + SAMPLE[:22]
"""Provenance: derived; the second frame is cut off."""


def frames(text: str) -> tuple[wire.FrameStream, np.ndarray]:
    stream = wire.FrameStream()
    found, skipped = stream.push(bytes.fromhex(text))
    assert skipped == 0
    return stream, found


def test_an_answer_tells_its_registers() -> None:
    _, found = frames(ANSWER)
    assert wire.registers(found) == {0x3A: (360, 105, 122, 0, 0, 0, 0, 0)}
    assert len(wire.raw_samples(found)) == 0


def test_a_sample() -> None:
    decoder = WitMotion().decoder(INFO)
    [block] = decoder.push(Packet("pod", 10**9, wire.VARIANTS[0].notify, bytes.fromhex(SAMPLE)))
    assert (block.acc_mps2 / G_MPS2).tolist() == [[pytest.approx(v) for v in (1.0, -2.0, 8.0)]]
    assert np.rad2deg(block.gyr_radps)[0] == pytest.approx(GYR_DPS, abs=1e-3)
    _, found = frames(SAMPLE)
    assert (wire.raw_samples(found)[0, 6:].astype(float) * 180 / 32768).tolist() == [45.0, -90.0, 0.0]


def test_a_frame_that_is_cut_off_waits() -> None:
    stream, found = frames(CUT)
    assert (len(found), stream.waiting) == (1, 11)


def test_a_pod_lying_flat() -> None:
    """Provenance: captured from a WT901BLE67 at rest, 30 September 2026 (quoted in a public repository)."""
    _, found = frames("5561 f5ff2e000008 feffffffffff d9ffb5000000")
    raw = wire.raw_samples(found)[0].astype(float)
    assert raw[:3] * 16 / 32768 == pytest.approx([-0.0054, 0.0225, 1.0], abs=1e-4)
    assert raw[3:6] * 2000 / 32768 == pytest.approx([-0.122, -0.061, -0.061], abs=1e-3)
    assert raw[6:] * 180 / 32768 == pytest.approx([-0.214, 0.994, 0.0], abs=1e-3)


def test_a_battery_that_answers() -> None:
    """Provenance: captured from a WT901BLE67, 30 September 2026 (quoted in a public repository): 3.82 V, 60 %."""
    _, found = frames("5571 6400 7e01 0000 339b 76fc a3c4 0000 0000 e803")
    [(register, words)] = wire.registers(found).items()
    assert (register, words[0]) == (wire.BATTERY, 382)
    assert wire.battery_pct(words[0]) == 60


@pytest.mark.parametrize(
    ("captured", "acc_g", "gyr_dps"),
    [
        ("556135ff59ff0a08000000000000b9fc", (-0.0991, -0.0815, 1.0049), (0.0, 0.0, 0.0)),
        ("5561e403ebf43f007c0202ff3300 52fe", (0.486, -1.385, 0.031), (38.8, -15.5, 3.1)),
    ],
)
def test_beginnings_of_real_frames(
    captured: str, acc_g: tuple[float, float, float], gyr_dps: tuple[float, float, float]
) -> None:
    """Provenance: captured from a WT901BLE68, first 16 bytes only (obedier/vib, analyze_wt901_data.py, d8161a25)."""
    _, found = frames(captured + "00000000")
    raw = wire.raw_samples(found)[0].astype(float)
    assert raw[:3] * 16 / 32768 == pytest.approx(acc_g, abs=5e-4)
    assert raw[3:6] * 2000 / 32768 == pytest.approx(gyr_dps, abs=0.05)


def test_the_reference_has_no_other_vectors() -> None:
    file = Path(os.environ.get("SENSORD_DATA", "")) / "../reference/vectors/hardware_vectors.json"
    if not os.environ.get("SENSORD_DATA") or not file.exists():
        pytest.skip("the reference's vectors are not here")
    theirs = {v["hex"] for v in json.loads(file.read_text()) if v["device"] == "witmotion"}
    assert theirs == {ANSWER, SAMPLE, CUT}
