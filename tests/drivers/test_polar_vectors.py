"""Bytes of Polar's measurement service and what they mean. Provenance in each test's docstring or line's id.

polar-ble-sdk is polarofficial/polar-ble-sdk@8fb5311c; the specification is the vendor's "Polar Measurement Data
Specification for 3rd Party".
"""

from __future__ import annotations

import numpy as np
import pytest

from sensord.drivers import polar_control as control
from sensord.drivers.polar_control import Kind, Op, Setting
from sensord.drivers.polar_frame import Frame, decode_frame, encode_frame
from sensord.errors import PacketError, PacketReason
from sensord.model import G_MPS2, Packet
from tests.drivers.test_polar import decoder

HEADER = "02 0094357700000000 80 "

FACTOR_8G = 0.000243999995291
"""IEEE 754 value of 40 DA 7F 39 in the specification's example of a start."""

LONG = (
    "020094357700000000807107f06a9e8d0a38be5cbeba2f96b3ee4be5adfb42b9ebbe4cfeba2f92bfee4be4b1fb12b9ecbd3c3ebb2f8fd3de4b"
    "e3b5f7d2b8edbd307e7b2f8be3ce8be2baf7a2b8eebc20be7b2f88f3cecbe1bdef52f8efbc18fe3b2f8403bfcbe0c2ef32b8f0bb044ebc2e81"
    "13af0be0c6eff2f7f1b9fc7dbc2e7d279f4bdfcaebc2f7f2b8eccd7c2e7b378f4bdecee392f7f3b8e00dfd2d774b7fcbddd2df6237f5b7d44d"
    "bd2d745b6fcbdcd7d73237f6b5c88d7d2d716b4f4bdcdcd3f236f7b4bcddfd2c6f7b3f4bdbe0cfd236f8b2b02dbe2c6c8f1fcbdae3c7a276f9"
)
TWO_BLOCKS = (
    "5dff9800fd0f062af2b013eca11b3ec3d0407fcd4071d8f34d00463f087b9fd73aaf3852a613ed3e130991dcfaeeef3e5410e28f7785eef24c"
    "7e04879cfcd22f10fd4feffe21ffc28104035f1345d1084adfbfb551447b50f739a1102e6f18f79f1c364d1b0d030c1406d0fef7affffcbfff"
    "f43f0117f000011000f8dfff00"
)


def test_plain_frame() -> None:
    """Vendor unit test, polar-ble-sdk AccDataTest.kt, cut to 2 samples."""
    payload = bytes.fromhex("02009435770000000001f7ffffffe703f8fffeffe503")
    frame = decode_frame(payload)
    assert (frame.kind, frame.t_last_ns, frame.format) == (Kind.ACC, 2_000_000_000, 0x01)
    assert frame.raw.tolist() == [[-9, -1, 999], [-8, -2, 997]]  # mg
    assert encode_frame(frame) == payload


def test_deltas_of_milli_g() -> None:
    """Vendor unit test, polar-ble-sdk AccDataTest.kt."""
    frame = decode_frame(bytes.fromhex("02650000000000000081f1ff1400f00306017b0f08"))
    assert (frame.kind, frame.t_last_ns, frame.format) == (Kind.ACC, 101, 0x81)
    assert frame.raw.tolist() == [[-15, 20, 1008], [-20, 17, 1008]]


def test_deltas_of_57_samples_with_a_factor() -> None:
    """Vendor unit test, polar-ble-sdk AccDataTest.kt: factor 2.44e-4, 8 g."""
    payload = bytes.fromhex(LONG)
    frame = decode_frame(payload)
    assert (frame.t_last_ns, frame.format, len(frame.raw)) == (2_000_000_000, 0x80, 57)
    assert frame.raw[:3].tolist() == [[1905, 27376, -29282], [2095, 27271, -29367], [2285, 27165, -29451]]
    assert frame.raw[-1].tolist() == [12274, 20173, -32449]
    again = encode_frame(frame)
    assert np.array_equal(decode_frame(again).raw, frame.raw)
    assert len(again) <= len(payload), "blocks are no longer than the device's, which spends a bit more than it needs"
    made = decoder(acc_factor=FACTOR_8G, acc_range_g=8.0)
    made.push(Packet("pod", 0, control.DATA, payload))
    acc = made._joiner._acc.values
    assert acc == pytest.approx(frame.raw * FACTOR_8G * G_MPS2)


def test_two_blocks_of_other_widths() -> None:
    """Vendor unit test, polar-ble-sdk AccDataTest.kt: payload without a header, 6 bits x 42, then 12 bits x 20.

    The vendor's bytes end inside the second block; what is told of 63 samples is what zeros in place of the rest give.
    """
    cut_off = bytes.fromhex(HEADER + TWO_BLOCKS)
    with pytest.raises(PacketError) as refused:
        decode_frame(cut_off)
    assert refused.value.reason is PacketReason.LENGTH
    payload = cut_off + bytes(68)
    frame = decode_frame(payload)
    assert len(frame.raw) == 63
    assert frame.raw[:3].tolist() == [[-163, 152, 4093], [-177, 155, 4088], [-173, 135, 4095]]
    assert frame.raw[-1].tolist() == [-179, 151, 4105]
    again = encode_frame(frame)
    assert np.array_equal(decode_frame(again).raw, frame.raw)
    assert len(again) <= len(payload), "the shortest blocks are no longer than the device's"


def test_frame_of_the_specification() -> None:
    """Specification, 5.3: the beginning of a delta frame of a Verity Sense, made whole with the samples it names."""
    frame = decode_frame(bytes.fromhex("02 646C76C43CC67F07 80 D0FF 6501 E40F 08 02 FC07FF 0C13F2"))
    assert frame.t_last_ns == 540_368_444_604_181_604
    assert frame.raw.tolist() == [[-48, 357, 4068], [-52, 364, 4067], [-40, 383, 4053]]


def test_gyroscope() -> None:
    """Vendor unit test, polar-ble-sdk GyrDataTest.kt: factor 1."""
    payload = bytes.fromhex("05ffffffffffffff7f80eaff08000d000301df00")
    frame = decode_frame(payload)
    assert (frame.kind, frame.t_last_ns, frame.format) == (Kind.GYRO, 2**63 - 1, 0x80)
    assert frame.raw.tolist() == [[-22, 8, 13], [-23, 11, 16]]
    assert encode_frame(frame) == payload


def test_gyroscope_in_bits_of_floats() -> None:
    """Vendor unit test, polar-ble-sdk GyrDataTest.kt."""
    payload = bytes.fromhex("050094357700000000810000803f000020410000a0411c010000a001000008cdccec0d")
    frame = decode_frame(payload)
    assert (frame.kind, frame.t_last_ns, frame.format) == (Kind.GYRO, 2_000_000_000, 0x81)
    assert frame.raw == pytest.approx(np.array([[1.0, 10.0, 20.0], [10.0, 20.0, 1.1]]), rel=1e-7)
    assert np.array_equal(decode_frame(encode_frame(frame)).raw, frame.raw)


def test_settings() -> None:
    """Vendor unit test, polar-ble-sdk PmdSettingTest.kt."""
    payload = bytes.fromhex("00013400010110000204f500f401e803d007040103")
    settings = {
        Setting.RATE_HZ: (52,),
        Setting.RESOLUTION_BITS: (16,),
        Setting.RANGE: (245, 500, 1000, 2000),
        Setting.CHANNELS: (3,),
    }
    assert control.decode_settings(payload) == settings
    assert control.encode_settings(settings) == payload


def test_answers() -> None:
    """Vendor unit tests, polar-ble-sdk BlePmdClientControlPointResponseTest.kt."""
    done = control.Collector(bytes([Op.SETTINGS, Kind.ACC]))
    assert done.take(bytes.fromhex("f001020000ffffff"))
    assert done.answer == control.Answer(0, bytes.fromhex("ffffff"))
    refused = control.Collector(bytes([Op.SETTINGS, Kind.MAG]))
    assert refused.take(bytes.fromhex("f001060700"))
    assert refused.answer == control.Answer(7)
    assert control.status_text(7) == "it does not have that resolution"


def test_answer_to_a_start_with_a_factor() -> None:
    """Specification, 5.3: factor float IEEE 754 value 0.000243999995291."""
    asked = control.Collector(bytes([Op.START, Kind.ACC]))
    assert asked.take(bytes.fromhex("F0 02 02 00 00 05 01 40 DA 7F 39"))
    assert asked.answer is not None
    assert control.factor_of(asked.answer.parameters) == pytest.approx(FACTOR_8G, rel=1e-12)


def test_answers_to_a_start_without_a_factor() -> None:
    """Specification, 5.3, an H10; and a Verity Sense as captured in polar-ble-sdk issue 443."""
    for indication in ("F0 02 02 00 00 01", "F0 02 02 00 00"):
        asked = control.Collector(bytes([Op.START, Kind.ACC]))
        assert asked.take(bytes.fromhex(indication))
        assert asked.answer is not None
        assert control.factor_of(asked.answer.parameters) is None


@pytest.mark.parametrize(
    ("payload", "kinds"),
    [
        pytest.param("0F 6E 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", {1, 2, 3, 5, 6}, id="specification, 5.1"),
        pytest.param("0F 05", {0, 2}, id="derived: an H10 with ECG and accelerometer"),
        pytest.param("0F 6E 02", {1, 2, 3, 5, 6, 9}, id="derived: with SDK mode"),
    ],
)
def test_features(payload: str, kinds: set[int]) -> None:
    assert control.decode_features(bytes.fromhex(payload)) == kinds


def settings(rate_hz: int, full: int) -> dict[Setting, tuple[int, ...]]:
    return {
        Setting.RATE_HZ: (rate_hz,),
        Setting.RESOLUTION_BITS: (16,),
        Setting.RANGE: (full,),
        Setting.CHANNELS: (3,),
    }


CLIENTS = "identical bytes in several independent open-source clients"
DERIVED = "derived from the rules of the settings"


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        pytest.param(control.start(Kind.ACC, settings(52, 8)), "0202000134000101100002010800040103", id=CLIENTS),
        pytest.param(control.start(Kind.GYRO, settings(52, 2000)), "020500013400010110000201d007040103", id=CLIENTS),
        pytest.param(control.start(Kind.MAG, settings(50, 50)), "0206000132000101100002013200040103", id=CLIENTS),
        pytest.param(control.start(Kind.SDK_MODE, {}), "0209", id=CLIENTS),
        pytest.param(control.stop(Kind.SDK_MODE), "0309", id=CLIENTS),
        pytest.param(control.start(Kind.ACC, settings(208, 16)), "02020001d0000101100002011000040103", id=DERIVED),
        pytest.param(control.start(Kind.GYRO, settings(208, 2000)), "02050001d000010110000201d007040103", id=DERIVED),
    ],
)
def test_commands(command: bytes, payload: str) -> None:
    assert command.hex() == payload


def test_eight_bits_and_twenty_four() -> None:
    """Derived from AccData.kt: formats 0x00 and 0x02, signed, lowest byte first."""
    for frame_format, payload in ((0x00, "01ff80"), (0x02, "010000 ffffff 000080")):
        whole = bytes.fromhex("02 6500000000000000" + f"{frame_format:02x}" + payload)
        lowest = -128 if frame_format == 0x00 else -(1 << 23)
        frame = decode_frame(whole)
        assert frame.raw.tolist() == [[1, -1, lowest]]
        assert encode_frame(Frame(Kind.ACC, 0x65, frame_format, frame.raw)) == whole
