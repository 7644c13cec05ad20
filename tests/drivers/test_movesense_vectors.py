"""Bytes of Movesense sensors and what they mean. Provenance in each test's docstring.

movesense-py is sensein/movesense-py@800da2ab tests/fixtures/validation/fixture.json: packets captured from a sensor,
with what the maker's own converter makes of them. movesense-commander is sokolmarek/movesense-commander@216f7624
docs/gsp-protocol.md: answers captured from a Movesense Flash.
"""

from __future__ import annotations

import numpy as np
import pytest

from sensord.drivers.movesense_wire import (
    ACC_BITS_G,
    GRAVITY_MPS2,
    GYR_BITS_DPS,
    TIME_DETAILED,
    Command,
    Identity,
    Ref,
    command,
    decode_acc_info,
    decode_entries,
    decode_hello,
    decode_imu6,
    decode_time,
    encode_acc_info,
    encode_entries,
    encode_hello,
    encode_imu6,
    encode_parts,
    path,
    status_text,
)
from sensord.errors import LinkError, PacketError, PacketReason

ACC = (
    "03de010055ab8bbf69f78d4081dd0a412b1387bf975a8d4020840b41e79190bf076d8e401bf10a412b1387bf316e8d40b9660b41",
    122371,
    [
        [-1.0911661386489868, 4.436451435089111, 8.679078102111816],
        [-1.0552724599838257, 4.417308330535889, 8.719757080078125],
        [-1.1294525861740112, 4.450809001922607, 8.683863639831543],
        [-1.0552724599838257, 4.419701099395752, 8.712578773498535],
    ],
)
GYR = (
    "03de0100295c8f3f666606c03e0a57beae47a13f85eb01c0295c8fbeae47a13fc3f5e8bf295c8fbe295c8f3f85ebf1bf3e0a57be",
    122371,
    [
        [1.1200000047683716, -2.0999999046325684, -0.21000000834465027],
        [1.2599999904632568, -2.0299999713897705, -0.2800000011920929],
        [1.2599999904632568, -1.8200000524520874, -0.2800000011920929],
        [1.1200000047683716, -1.8899999856948853, -0.21000000834465027],
    ],
)
IMU6 = (
    "aca1020094b578bf399b8840cdb20d4155ff7cbf6a60884092c70c4182627cbfa2e988405da00c418bf871bf71248940c38c0c41"
    "48e17abf713daabf3333b3bec3f568bf713daabf3e0ad7beae4721bff628bcbf3e0ad7beae4721bf3333b3bf3e0ad7be"
)
IMU9 = IMU6 + ("de9cfe41708636c2a5026cc10a4a0a42750733c293a355c19bc8fd411b8938c287f75fc17cfef541ff742fc2475774c1")
IMU6_ACC = [
    [-0.9715206623077393, 4.268948078155518, 8.856152534484863],
    [-0.9882710576057434, 4.2617692947387695, 8.798723220825195],
    [-0.9858781099319458, 4.278519630432129, 8.789151191711426],
    [-0.9451987147331238, 4.285698413848877, 8.7843656539917],
]
IMU6_GYR = [
    [-0.9800000190734863, -1.3300000429153442, -0.3499999940395355],
    [-0.9100000262260437, -1.3300000429153442, -0.42000001668930054],
    [-0.6299999952316284, -1.4700000286102295, -0.42000001668930054],
    [-0.6299999952316284, -1.399999976158142, -0.42000001668930054],
]
IMU9_MAG = [
    [31.826595306396484, -45.63128662109375, -14.750645637512207],
    [34.572303771972656, -44.75728225708008, -13.352435111999512],
    [31.722951889038086, -46.13389205932617, -13.997931480407715],
    [30.74925994873047, -43.864253997802734, -15.271307945251465],
]


@pytest.mark.parametrize("vector", [ACC, GYR], ids=["acc", "gyr"])
def test_packets_of_one_sensor(vector: tuple[str, int, list[list[float]]]) -> None:
    """Captured, movesense-py: /Meas/Acc/52 and /Meas/Gyro/52. The layout of both sensors, with one of them left out."""
    payload, t_ms, expected = bytes.fromhex(vector[0]), vector[1], vector[2]
    assert int.from_bytes(payload[:4], "little") == t_ms
    assert np.frombuffer(payload, "<f4", offset=4).reshape(-1, 3).tolist() == expected


def test_packet_of_both_sensors() -> None:
    """Captured, movesense-py: /Meas/IMU6/52."""
    payload = bytes.fromhex(IMU6)
    t_ms, acc, gyr = decode_imu6(payload)
    assert (t_ms, acc.tolist(), gyr.tolist()) == (172460, IMU6_ACC, IMU6_GYR)
    assert encode_imu6(t_ms, acc, gyr) == payload


def test_packet_with_a_magnetometer_is_not_taken_for_one_without() -> None:
    """Captured, movesense-py: /Meas/IMU9/52, the same moment: the first two thirds are those of IMU6."""
    payload = bytes.fromhex(IMU9)
    t_ms, acc, gyr = decode_imu6(payload[:100])
    assert (t_ms, acc.tolist(), gyr.tolist()) == (172460, IMU6_ACC, IMU6_GYR)
    assert np.frombuffer(payload, "<f4", offset=100).reshape(-1, 3).tolist() == IMU9_MAG
    assert len(decode_imu6(payload)[1]) == 6, "a decoder must know how many samples a packet has: 4 here"


def test_heart_rate_is_no_packet_of_samples() -> None:
    """Captured, movesense-py: /Meas/HR, 66.37 a minute, an interval of 904 ms. No part of the driver reads it."""
    payload = bytes.fromhex("4dbe84428803")
    assert np.frombuffer(payload, "<f4", 1)[0] == pytest.approx(66.3717, abs=1e-4)
    assert np.frombuffer(payload, "<u2", 1, 4)[0] == 904
    with pytest.raises(PacketError) as refused:
        decode_imu6(payload)
    assert refused.value.reason is PacketReason.LENGTH


def test_rates_and_ranges() -> None:
    """Captured, movesense-commander: GET /Meas/Acc/Info (the last byte is printed as 16 there, which is decimal)."""
    data = bytes.fromhex("080d001a0034006800d000a001410382060402040810")
    rates, ranges = decode_acc_info(data)
    assert rates == (13, 26, 52, 104, 208, 416, 833, 1666)
    assert ranges == (2, 4, 8, 16)
    assert encode_acc_info(rates, ranges) == data


def test_clock() -> None:
    """Captured, movesense-commander: GET /Time/Detailed; its second value is in ms, whatever the tick rate says."""
    data = bytes.fromhex("58d897e169590600d08924000004000014000000")
    assert TIME_DETAILED.unpack(data) == (1787161151527000, 2394576, 1024, 20)
    assert decode_time(data) == 2394576


def test_captured_values_are_whole_steps_of_8_g_and_2000_dps() -> None:
    """Provenance of the ranges: the captured packets. Steps of 16 g would be twice as large."""
    for values, bit in ((ACC[2], ACC_BITS_G[8.0] * GRAVITY_MPS2), (GYR[2], GYR_BITS_DPS[2000.0])):
        counts = np.array(values) / bit
        assert np.abs(counts - np.rint(counts)).max() < 0.0004
        assert np.any(np.rint(counts) % 2 == 1)


def test_commands() -> None:
    """Derived from the rules of the specification, never captured; paths end in NUL as the maker's own tool has it."""
    assert command(Command.HELLO, 100) == bytes([0, 100])
    assert command(Command.GET, 105, path("/Meas/Acc/Info")) == b"\x04\x69/Meas/Acc/Info\0"
    assert command(Command.SUBSCRIBE, Ref.SAMPLES, path("/Meas/IMU6/208")) == b"\x01\x63/Meas/IMU6/208\0"
    assert command(Command.FETCH_LOG, 101, (7).to_bytes(4, "little")) == bytes.fromhex("036507000000")


def test_packet_in_two_notifications() -> None:
    """Derived: 208 Hz are 388 bytes, of which 242 fit into a notification of 244."""
    payload = bytes(range(256)) + bytes(132)
    first, rest = encode_parts(99, payload, 244)
    assert (first[:2], rest[:2]) == (b"\x02\x63", b"\x03\x63")
    assert (len(first), first[2:] + rest[2:]) == (244, payload)
    assert encode_parts(99, payload[:200], 244) == [b"\x02\x63" + payload[:200]]


def test_identity_and_logs() -> None:
    """Derived from movesense-commander's description: strings between NUL; entries of 16 bytes behind their number."""
    identity = Identity("250230002214", "Movesense Flash", "DataLogger", "2.3.1")
    assert decode_hello(encode_hello(1, identity, "74:92:BA:10:F7:D3")) == identity
    with pytest.raises(LinkError):
        decode_hello(b"\x01\x01\x01")
    assert decode_entries(encode_entries([(5, 0, 5272), (6, 9, 17)], 244)) == {5: 5272, 6: 17}
    assert len(decode_entries(encode_entries([(i, 0, i) for i in range(20)], 23 + 53))) == 4
    for bad in (b"", b"\x01\x02", b"\x00" + bytes(16)):
        with pytest.raises(LinkError):
            decode_entries(bad)


@pytest.mark.parametrize(
    ("status", "word"), [(429, "restarted"), (503, "not to be had"), (404, "no such"), (401, "subscribed")]
)
def test_refusals_in_words(status: int, word: str) -> None:
    """Captured statuses (movesense-commander)."""
    assert word in status_text(status)
    assert str(status) in status_text(status)
