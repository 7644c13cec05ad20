"""Bytes of the Movella DOT (Xsens DOT): characteristics, samples, messages. All little-endian.

    sample of mode 21, "rate quantities", on 2003; 40 bytes, those behind the sample are 0:

     0    4          16         28          40
     +----+----------+----------+-----------+
     | t  | acc      | gyr      | 0 ... 0   |      t u32 us, wraps after 71.58 min; float32 m/s2 and degrees a second
     +----+----------+----------+-----------+

    message, written to 7001, answered in 7002 (read it at once), sent on 7003:

     [MID] [LEN] [DATA, LEN bytes] [CS]            the sum of all bytes is a multiple of 256
     DATA of a recording message (MID 1)  [ReID] [arguments]
     answer                               [1] [result] [ReID] [arguments]
     a recorded sample                    [0x71] [counter u32] [t] [acc] [gyr] [status u16]    as was selected with 0x74

    status: bits 0-2 accelerometer x, y, z out of range, 3-5 gyroscope (6-8 magnetometer, 9 magnetometer is new)

Source: Movella DOT BLE Service Specification XD0506P rev C (July 2023), sections 2, 3 and 5. Two examples in it do not
fit its own checksum rule (StartRecording and its answer), one is misprinted (the answer to SelectExportData).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sensord.errors import LinkError, LinkReason, PacketError, PacketReason

NAME = "movella-dot"

INFO, CONTROL, MEASURE, SAMPLES, BATTERY, COMMAND, ACK, MESSAGES = (
    f"1517{n}-4947-11e9-8646-d663bd873d93" for n in ("1001", "1002", "2001", "2003", "3001", "7001", "7002", "7003")
)
CONFIGURATION_SERVICE, MEASUREMENT_SERVICE, BATTERY_SERVICE, MESSAGE_SERVICE = (
    f"1517{n}-4947-11e9-8646-d663bd873d93" for n in ("1000", "2000", "3000", "7000")
)
COMPANY = 0x0886

ACC_RANGE_G = 16.0
GYR_RANGE_DPS = 2000.0

CLOCK_SPAN_US = 1 << 32

# -------------------------------------------------------------------------------------------------- characteristics

INFO_FORM = struct.Struct("<6s3BH5BIQ6s")
"""Address, firmware (3), build time (year u16, month, day, hour, minute, second), SoftDevice, serial, product."""

PRODUCTS = {"XS-T01": "Movella DOT v1", "XS-T02": "Movella DOT v2"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is."""

    product: str
    firmware: tuple[int, int, int]
    serial: int

    @property
    def model(self) -> str:
        """In words."""
        return PRODUCTS.get(self.product, "Movella DOT")


def encode_info(identity: Identity, address: bytes) -> bytes:
    """Value of the device info."""
    head = (address, *identity.firmware, 2023, 7, 1, 12, 0, 0, 0)
    return INFO_FORM.pack(*head, identity.serial, identity.product.encode())


def decode_info(value: bytes) -> Identity:
    """The inverse. Raises LinkError (IDENTITY)."""
    if len(value) < INFO_FORM.size:
        raise LinkError(LinkReason.IDENTITY, f"it does not say who it is: {value.hex(' ') or 'nothing'}")
    fields = INFO_FORM.unpack_from(value)
    product = bytes(fields[-1]).decode("ascii", "replace").strip("\0 ")
    return Identity(product, (fields[1], fields[2], fields[3]), fields[-2])


CONTROL_BYTES = 32
SET_RATE = 0x10
RATE_AT = 24
"""Of the control: bit of its first byte that says that a rate is set, and where the rate is (u16)."""

OUTPUT_RATES_HZ = (1, 4, 10, 12, 15, 20, 30, 60, 120)


def encode_rate(rate_hz: float) -> bytes:
    """Value for the control that sets the rate and nothing else."""
    value = bytearray(CONTROL_BYTES)
    value[0] = SET_RATE
    value[RATE_AT : RATE_AT + 2] = round(rate_hz).to_bytes(2, "little")
    return bytes(value)


def decode_rate(value: bytes) -> int:
    """Rate in the control; 0 if it cannot be read."""
    return int.from_bytes(value[RATE_AT : RATE_AT + 2], "little") if len(value) >= RATE_AT + 2 else 0


RATE_QUANTITIES = 21
START = bytes([1, 1, RATE_QUANTITIES])
STOP = bytes([1, 0, RATE_QUANTITIES])

# --------------------------------------------------------------------------------------------------------- samples

SAMPLE = struct.Struct("<I6f")
SAMPLE_BYTES = 40


def encode_sample(t_us: int, acc_mps2: tuple[float, ...], gyr_dps: tuple[float, ...]) -> bytes:
    """A sample as it is streamed."""
    return SAMPLE.pack(t_us % CLOCK_SPAN_US, *acc_mps2, *gyr_dps).ljust(SAMPLE_BYTES, b"\0")


def decode_sample(payload: bytes) -> tuple[int, tuple[float, ...]]:
    """Its time (us), and acc x, y, z (m/s2) and gyr x, y, z (dps). Raises PacketError."""
    if len(payload) < SAMPLE.size:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(payload)} bytes")
    if len(payload) != SAMPLE_BYTES:
        raise PacketError(PacketReason.LENGTH, f"{len(payload)} bytes, not {SAMPLE_BYTES}")
    if any(payload[SAMPLE.size :]):
        raise PacketError(PacketReason.TYPE, f"{payload[SAMPLE.size :].hex()} behind a sample")
    t_us, *values = SAMPLE.unpack_from(payload)
    return t_us, tuple(values)


# -------------------------------------------------------------------------------------------------------- messages

RECORDING, SYNCHRONIZATION, CONFIGURATION = 1, 2, 3
"""MID."""


class Re(IntEnum):
    """ReID of recording messages."""

    ANSWER = 0x01
    STATE = 0x02
    BUSY = 0x03
    ERASE = 0x30
    ERASED = 0x33
    FULL = 0x34
    BAD_FORMAT = 0x35
    START = 0x40
    STOP = 0x41
    TIME = 0x42
    TIME_IS = 0x43
    FLASH_INFO = 0x50
    FLASH_INFO_IS = 0x51
    FLASH_INFO_DONE = 0x52
    FILE_INFO = 0x60
    FILE_INFO_IS = 0x61
    FILE_INFO_DONE = 0x62
    NO_FILE = 0x63
    FILE_DATA = 0x70
    FILE_DATA_IS = 0x71
    FILE_DATA_DONE = 0x72
    STOP_EXPORT = 0x73
    SELECT = 0x74
    AGAIN = 0x75
    FILE_DATA_BAD = 0x76


DONE, INVALID, FLASH_BUSY, IDLE, ERASING, IS_RECORDING = 0x00, 0x02, 0x03, 0x06, 0x30, 0x40

RESULTS = {
    INVALID: "it does not know this command, or not in this state",
    FLASH_BUSY: "its memory is busy",
    IDLE: "it is idle",
    ERASING: "it is erasing its memory",
    IS_RECORDING: "it is recording",
    0x50: "it is telling about its memory",
    0x60: "it is telling about a file",
    0x70: "it is sending a file",
}

LONGEST_DATA = 157
NO_TIMER = 0xFFFF


def result_text(result: int) -> str:
    """A result in words."""
    return f"{RESULTS.get(result, 'an unknown result')} (0x{result:02x})"


def encode_message(mid: int, data: bytes) -> bytes:
    """A message with its checksum."""
    head = bytes([mid, len(data)]) + data
    return head + bytes([-sum(head) % 256])


def decode_message(message: bytes) -> tuple[int, bytes]:
    """MID and DATA; characteristics may be filled up with zeros. Raises PacketError."""
    if len(message) < 3 or len(message) < message[1] + 3:
        raise PacketError(PacketReason.TOO_SHORT, f"{len(message)} bytes")
    end = message[1] + 3
    if message[1] > LONGEST_DATA or any(message[end:]):
        raise PacketError(PacketReason.LENGTH, f"{len(message)} bytes of a message of {end}")
    if sum(message[:end]) % 256:
        raise PacketError(PacketReason.CHECKSUM, f"message {message[:end].hex()}")
    return message[0], message[2 : end - 1]


def recording(reid: int, arguments: bytes = b"") -> bytes:
    """A recording message."""
    return encode_message(RECORDING, bytes([reid]) + arguments)


def encode_ack(result: int, data: bytes) -> bytes:
    """The answer to a recording message with this DATA."""
    return encode_message(RECORDING, bytes([Re.ANSWER, result]) + data)


def decode_ack(message: bytes, data: bytes) -> int:
    """Result of the recording message with this DATA. Raises PacketError if it is another's."""
    mid, answer = decode_message(message)
    if mid != RECORDING or answer[:1] != bytes([Re.ANSWER]) or answer[2:] != data:
        raise PacketError(PacketReason.TYPE, f"{message.hex()} does not answer {data.hex()}")
    return answer[1]


def encode_start(utc_s: int, seconds: int) -> bytes:
    """The message that starts a recording of so many seconds."""
    return recording(Re.START, struct.pack("<IH", utc_s, seconds))


FLASH_HEAD = struct.Struct("<IIHIII")
"""Magic number, size of the header, revision, when it was initialised, bytes to record in, bytes of file indicators."""

FLASH_MAGIC, FILE_MAGIC = 0x466C6173, 0x5265636F
FILE_BEGINS, SECTOR_USED, SECTOR_FREE = 0xEE, 0xCC, 0xFF
FILE_HEAD_BYTES, SECTOR_BYTES = 4 * 1024, 228 * 1024
"""Of an indicator: what a byte means, and how much it stands for (about)."""

FILE_HEAD = struct.Struct("<IIHIH")
"""Magic number, size of the header, revision, when it was started (UTC, s), for how many seconds."""

INFO_BYTES = 128

# ------------------------------------------------------------------------------------------------------- recordings

SELECTED = bytes([0x00, 0x07, 0x08, 0x0A])
"""Time, acceleration, angular rate, status: as in `RECORD`."""

RECORD = np.dtype(
    [
        ("mid", "u1"),
        ("len", "u1"),
        ("reid", "u1"),
        ("counter", "<u4"),
        ("t_us", "<u4"),
        ("values", "<f4", (6,)),
        ("status", "<u2"),
        ("cs", "u1"),
    ]
)
"""A recorded sample, as it is sent: a message of its own."""

RECORD_LEN = RECORD.itemsize - 3


def encode_record(counter: int, t_us: int, values: tuple[float, ...], status: int) -> bytes:
    """A recorded sample."""
    fields = struct.pack("<II6fH", counter, t_us % CLOCK_SPAN_US, *values, status)
    return recording(Re.FILE_DATA_IS, fields)
