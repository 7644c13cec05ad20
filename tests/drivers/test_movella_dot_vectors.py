"""Bytes of the Movella DOT and what they mean. Provenance in each line or docstring.

The specification is the vendor's "Movella DOT BLE Service Specification" XD0506P rev C (July 2023). "spec": an example
printed in it whose checksum is right. "derived": from its rules, never captured; among these are the three examples
that are printed with a slip.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest

from sensord.drivers.movella_dot_wire import (
    CONFIGURATION,
    DONE,
    FILE_HEAD,
    FILE_MAGIC,
    IDLE,
    INFO_FORM,
    RECORD,
    RECORDING,
    SYNCHRONIZATION,
    Identity,
    Re,
    decode_ack,
    decode_info,
    decode_message,
    decode_rate,
    decode_sample,
    encode_ack,
    encode_info,
    encode_message,
    encode_rate,
    encode_record,
    encode_sample,
    encode_start,
    recording,
    result_text,
)
from sensord.errors import LinkError, PacketError, PacketReason

MESSAGES = [
    ("GetState, spec", "010102fc", RECORDING, bytes([Re.STATE])),
    ("StopRecording, spec", "010141bd", RECORDING, bytes([Re.STOP])),
    ("RequestFileInfo 1, spec", "010260019c", RECORDING, bytes([Re.FILE_INFO, 1])),
    ("SelectExportData, spec", "010974000105060708090a54", RECORDING, bytes([Re.SELECT, 0, 1, 5, 6, 7, 8, 9, 10])),
    ("RequestFileData 7, spec", "0102700786", RECORDING, bytes([Re.FILE_DATA, 7])),
    ("GetSyncStatus, spec", "020108f5", SYNCHRONIZATION, bytes([8])),
    ("SyncStatus not synced, spec", "02025109a2", SYNCHRONIZATION, bytes([0x51, 9])),
    ("SyncStatus synced, spec", "02025104a7", SYNCHRONIZATION, bytes([0x51, 4])),
    ("StartSync, spec", "020701ccbbaacd22d402", SYNCHRONIZATION, b"\x01" + bytes.fromhex("d422cdaabbcc")[::-1]),
    ("Ack StartSync ok, spec", "02020300f9", SYNCHRONIZATION, bytes([3, 0])),
    ("StopSync, spec", "020102fb", SYNCHRONIZATION, bytes([2])),
    ("Ack StopSync, spec", "02025000ac", SYNCHRONIZATION, bytes([0x50, 0])),
    ("RevertToFactorySettings, spec", "030104f8", CONFIGURATION, bytes([4])),
    ("its ack, spec", "03080000000000000000f5", CONFIGURATION, bytes(8)),
    ("ExportFileInfoDone, spec", "0101629c", RECORDING, bytes([Re.FILE_INFO_DONE])),
]


@pytest.mark.parametrize(("message", "mid", "data"), [m[1:] for m in MESSAGES], ids=[m[0] for m in MESSAGES])
def test_messages(message: str, mid: int, data: bytes) -> None:
    assert decode_message(bytes.fromhex(message)) == (mid, data)
    assert encode_message(mid, data).hex() == message


ACKS = [
    ("GetState idle, spec", "0103010602f3", bytes([Re.STATE]), IDLE),
    ("StopRecording, spec", "0103010041ba", bytes([Re.STOP]), DONE),
    ("RequestFileInfo, spec", "01040100600199", bytes([Re.FILE_INFO, 1]), DONE),
    ("RequestFileData, spec", "01040100700783", bytes([Re.FILE_DATA, 7]), DONE),
    (
        "StartRecording, derived: printed with DD",
        "0109010040df503b5b0807e1",
        bytes.fromhex("40df503b5b0807"),
        DONE,
    ),
    (
        "SelectExportData, derived: printed as 010B0 1000 74",
        "010b010074000105060708090a51",
        bytes([Re.SELECT, 0, 1, 5, 6, 7, 8, 9, 10]),
        DONE,
    ),
]


@pytest.mark.parametrize(("message", "data", "result"), [a[1:] for a in ACKS], ids=[a[0] for a in ACKS])
def test_answers(message: str, data: bytes, result: int) -> None:
    assert decode_ack(bytes.fromhex(message), data) == result
    assert encode_ack(result, data).hex() == message
    assert decode_ack(bytes.fromhex(message).ljust(160, b"\0"), data) == result, "the characteristic has 160 bytes"


def test_start_of_a_recording() -> None:
    """Derived: the specification prints E0 as its checksum, which its own rule refutes. 30 min from 1530613983 s."""
    assert encode_start(1530613983, 1800).hex() == "010740df503b5b0807e4"
    with pytest.raises(PacketError) as refused:
        decode_message(bytes.fromhex("010740df503b5b0807e0"))
    assert refused.value.reason is PacketReason.CHECKSUM


def test_rate_quantities() -> None:
    """Derived from the specification, 3.5: mode 21 on 2003, filled up to 40 bytes."""
    payload = bytes.fromhex(
        "40420f000000000000000000c3f51c410000c03f000010c00000c842000000000000000000000000",
    )
    t_us, values = decode_sample(payload)
    assert t_us == 1_000_000
    assert values == pytest.approx((0, 0, 9.81, 1.5, -2.25, 100.0), abs=1e-6)
    assert encode_sample(t_us, values[:3], values[3:]) == payload


def test_other_payloads_are_not_taken_for_it() -> None:
    """Derived from the specification, 3.2 and 3.3: custom mode 5 on 2002, extended quaternion on 2003."""
    custom5 = bytes.fromhex(
        "5b830f000000803f0000000000000000000000000000003f000080bec3f51c41000020410000a0410000f041"
        "00000000000000000000000000000000000000"
    )
    t_us, *rest = struct.unpack_from("<I10f", custom5)
    assert (t_us, rest[:4]) == (1016667, [1.0, 0.0, 0.0, 0.0])
    assert rest[4:] == pytest.approx([0.5, -0.25, 9.81, 10, 20, 30], abs=1e-6)
    extended = bytes.fromhex("5b830f000000803f0000000000000000000000000000003f000080be0000003e0900030100000000")
    status, acc_clips, gyr_clips = struct.unpack_from("<HBB", extended, 32)
    assert (status, acc_clips, gyr_clips) == (9, 3, 1)
    for payload, reason in ((custom5, PacketReason.LENGTH), (extended, PacketReason.TYPE)):
        with pytest.raises(PacketError) as refused:
            decode_sample(payload)
        assert refused.value.reason is reason


def test_head_of_a_file() -> None:
    """Spec: the notification of RequestFileInfo, as far as it is printed."""
    head = bytes.fromhex("6f63655280000000" + "0001")
    magic, size, revision = struct.unpack("<IIH", head)
    assert (magic, size) == (FILE_MAGIC, 128)
    assert revision == 0x0100
    assert FILE_HEAD.size == 16


def test_recorded_sample() -> None:
    """Derived from the specification, 5.2.4.12, with the fields that are selected: 38 bytes, a message of its own."""
    message = encode_record(0x01020304, 75, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 0b100001)
    assert message[:7].hex() == "01237104030201"
    assert sum(message) % 256 == 0
    (row,) = np.frombuffer(message, RECORD)
    assert (row["counter"], row["t_us"], row["status"]) == (0x01020304, 75, 0b100001)
    assert row["values"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_identity_and_rate() -> None:
    """Derived from the specification, 2.1 and 2.2."""
    identity = Identity("XS-T01", (1, 6, 0), 0x0123456789ABCDEF)
    value = encode_info(identity, bytes(6))
    assert len(value) == INFO_FORM.size == 34
    assert decode_info(value) == identity
    assert identity.model == "Movella DOT v1"
    with pytest.raises(LinkError):
        decode_info(value[:33])
    assert encode_rate(120).hex(" ", 8) == "1000000000000000 0000000000000000 0000000000000000 7800000000000000"
    assert decode_rate(encode_rate(60)) == 60


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("0101", PacketReason.TOO_SHORT),
        ("010241bd", PacketReason.TOO_SHORT),
        ("010141be", PacketReason.CHECKSUM),
        ("010141bd00000001", PacketReason.LENGTH),
    ],
)
def test_messages_that_are_none(message: str, reason: PacketReason) -> None:
    """Derived."""
    with pytest.raises(PacketError) as refused:
        decode_message(bytes.fromhex(message))
    assert refused.value.reason is reason


def test_results_in_words() -> None:
    """Spec, table 26."""
    assert "recording" in result_text(0x40)
    assert "0x99" in result_text(0x99)
    assert recording(Re.STATE).hex() == "010102fc"
