"""The bytes of WitMotion's BLE 5.0 protocol, which WT9011DCL-BT50, WT901BLE and their like speak. All little-endian.

    a sample              55 61 | ax ay az | gx gy gz | roll pitch yaw        9 x i16, 20 bytes
                                  16 g       2000 dps   180 degrees           at 32768
    answer to a read      55 71 | register u16 | 8 x i16                      20 bytes, amid the samples
    a command             FF AA | register u8 | value u16                     5 bytes, no answer
      unlock              FF AA 69 88 B5       (for 10 s)
      read                FF AA 27 register 00

Frames follow each other without checksum, counter or clock, as many in a notification as fit.

Sources: the vendor's BLE 5.0 protocol page (wit-motion.gitbook.io) and SDK (WITMOTION/WitBluetooth_BWT901BLE5_0,
9efaab0), as in hardware-protocols.md 4.4; version, serial number and battery as the SDK's Bwt901bleProcessor reads
them. Captured from a WT901BLE67 (a note of 30 September 2026 in a public repository, with the bytes that
tests/drivers/test_witmotion_vectors.py decodes): whole frames only, 2, 4 a notification at 50, 100 Hz; an answer in the
middle of a notification; the service missing from some advertisements; a rate that lasts through power off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Gatt(NamedTuple):
    """Where a variant of the family listens and speaks."""

    name: str
    service: str
    notify: str
    write: str


VARIANTS = (
    Gatt(
        "ffe5",
        "0000ffe5-0000-1000-8000-00805f9a34fb",  # 9a34fb, not the 9b34fb of the Bluetooth SIG
        "0000ffe4-0000-1000-8000-00805f9a34fb",
        "0000ffe9-0000-1000-8000-00805f9a34fb",
    ),
    Gatt(
        "issc",
        "49535343-fe7d-4ae5-8fa9-9fafd205e455",
        "49535343-1e4d-4bd9-ba61-23c647249616",
        "49535343-8841-43f4-a8d4-ecbe34729bb3",
    ),
)
"""BLE 5.0 pods, and dual-mode ones with a Microchip transparent UART (whose service many other devices have, too)."""

FRAME = 20
HEADER, SAMPLE, REGISTERS = 0x55, 0x61, 0x71

ACC_RANGE_G = 16.0
GYR_RANGE_DPS = 2000.0
FULL_SCALE = 32768
SATURATED_RAW = 32605
"""0.995 of full scale, as in `model.SampleBlock.saturated`."""

SAVE, RATE, BANDWIDTH, READ, VERSION, BATTERY, KEY, SERIAL = 0x00, 0x03, 0x1F, 0x27, 0x2E, 0x64, 0x69, 0x7F
UNLOCKED = 0xB588
UNLOCKED_S = 10.0

RATES = {10.0: 0x06, 20.0: 0x07, 50.0: 0x08, 100.0: 0x09, 200.0: 0x0B}
"""Codes of the rates that the SDK names, and 20 Hz, which a WT901BLE67 was seen to do. The vendor's tables disagree
about 0x0A (125 or 200 Hz): it is not used."""

SLOWEST_CODE = 0x01
"""One sample in 5 s (10 s in another of the vendor's tables)."""

BATTERY_STEPS = (
    (396, 100), (393, 90), (387, 75), (382, 60), (379, 50), (377, 40), (373, 30), (370, 20), (368, 15), (350, 10),
    (340, 5),
)  # fmt: skip
"""From so many hundredths of a volt on: percent (SDK)."""

RawArray = npt.NDArray[np.int16]
ByteArray = npt.NDArray[np.uint8]

NO_FRAMES = np.zeros((0, FRAME), np.uint8)
NO_SAMPLES = np.zeros((0, 9), np.int16)


def encode_command(register: int, value: int) -> bytes:
    """Write a value (16 bit) to a register."""
    return bytes((0xFF, 0xAA, register)) + value.to_bytes(2, "little")


def encode_read(register: int) -> bytes:
    """Ask for a register and the seven after it."""
    return encode_command(READ, register)


def decode_command(payload: bytes) -> tuple[int, int] | None:
    """Register and value, as the pod reads them; None for what is no command."""
    if len(payload) != 5 or payload[:2] != b"\xff\xaa":
        return None
    return payload[2], int.from_bytes(payload[3:], "little")


def encode_samples(raw: RawArray) -> list[bytes]:
    """A frame for each row (n, 9): acc, gyr, angles."""
    return [bytes((HEADER, SAMPLE)) + row.astype("<i2").tobytes() for row in raw]


def encode_registers(register: int, values: Iterable[int]) -> bytes:
    """The answer to a read: 8 values."""
    words = [value & 0xFFFF for value in values]
    return bytes((HEADER, REGISTERS)) + np.array([register, *words], "<u2").tobytes()


def raw_samples(frames: ByteArray) -> RawArray:
    """Raw values (n, 9) of the frames (any, 20) that hold a sample: acc, gyr, angles."""
    samples = frames if (frames[:, 1] == SAMPLE).all() else frames[frames[:, 1] == SAMPLE]
    raw: RawArray = np.ascontiguousarray(samples[:, 2:]).view("<i2")
    return raw


def registers(frames: ByteArray) -> dict[int, tuple[int, ...]]:
    """What the answers among these frames (any, 20) say: eight unsigned values from a register on."""
    answers = {}
    for frame in frames[frames[:, 1] == REGISTERS]:
        register, *words = np.ascontiguousarray(frame[2:]).view("<u2").tolist()
        answers[register] = tuple(words)
    return answers


def battery_pct(hundredths_of_volt: int) -> int:
    """Charge by the vendor's table."""
    return next((percent for least, percent in BATTERY_STEPS if hundredths_of_volt >= least), 0)


def firmware(low: int, high: int) -> str:
    """Version from registers 2E and 2F: one number, or three if the highest bit is set."""
    both = high << 16 | low
    if both < 1 << 31:
        return str(low)
    return f"{both >> 14 & 0x1FFFF}.{both >> 8 & 0x3F}.{both & 0xFF}"


def serial_number(words: Iterable[int]) -> str:
    """Six registers of two characters; empty if they are no text."""
    text = b"".join(word.to_bytes(2, "little") for word in words).rstrip(b"\0")
    return text.decode("ascii") if text.isascii() and text.decode("ascii").isprintable() else ""


class FrameStream:
    """Frames in a stream of bytes that may be cut anywhere. Holds less than two frames.

    In step, a frame is believed where the last one ended. Out of step, two headers a frame apart are needed, or a frame
    that came alone: `55 61` occurs inside data. A frame that came in two pieces may be pieces of two
    frames, with a notification lost between: it must be followed by a header if anything follows.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._in_step = True

    @property
    def waiting(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._rest)

    def push(self, payload: bytes) -> tuple[ByteArray, int]:
        """Frames (n, 20) that these bytes complete; bytes that were passed over."""
        data = self._rest + payload
        if self._in_step and len(data) < FRAME and _may_begin(data, 0):
            self._rest = data
            return NO_FRAMES, 0
        torn = self._in_step and bool(self._rest)
        alone_at = len(self._rest) if len(payload) == FRAME else -1
        found, skipped, at = [], 0, 0
        while True:
            if not self._in_step:
                begins = _search(data, at, alone_at)
                if begins is None:
                    skipped += len(data) - at
                    self._rest = b""
                    break
                skipped += begins - at
                at = begins
                if not _certain(data, at, alone_at):
                    self._rest = data[at:]
                    break
                self._in_step = True
            frames = _row(data, at)
            if torn and len(frames) and not _may_begin(data, at + FRAME):
                frames = frames[:0]
            torn = False
            found.append(frames)
            at += len(frames) * FRAME
            if len(data) - at < FRAME and _may_begin(data, at):
                self._rest = data[at:]
                break
            self._in_step = False
            skipped += 1
            at += 1
        return (found[0] if len(found) == 1 else np.concatenate([NO_FRAMES, *found])), skipped


def _is_header(data: bytes, at: int) -> bool:
    return data[at] == HEADER and data[at + 1] in (SAMPLE, REGISTERS)


def _may_begin(data: bytes, at: int) -> bool:
    """Whether what is there of a header is one."""
    left = len(data) - at
    return left <= 0 or (data[at] == HEADER and (left == 1 or _is_header(data, at)))


def _row(data: bytes, at: int) -> ByteArray:
    """Whole frames (n, 20) in a row."""
    n = (len(data) - at) // FRAME
    rows = np.frombuffer(data, np.uint8, n * FRAME, at).reshape(n, FRAME)
    heads = rows[:, :2].view("<u2")[:, 0]
    good = (heads == (SAMPLE << 8 | HEADER)) | (heads == (REGISTERS << 8 | HEADER))
    return rows if good.all() else rows[: int(good.argmin())]


def _search(data: bytes, at: int, alone_at: int) -> int | None:
    """Where a frame certainly begins, else where one may begin."""
    perhaps = None
    at = data.find(HEADER, at)
    while at >= 0:
        if _may_begin(data, at):
            if _certain(data, at, alone_at):
                return at
            if perhaps is None and len(data) - at < FRAME + 2:
                perhaps = at
        at = data.find(HEADER, at + 1)
    return perhaps


def _certain(data: bytes, at: int, alone_at: int) -> bool:
    """Whether a frame that may begin here came alone, or is followed by another."""
    return at == alone_at or (len(data) - at >= FRAME + 2 and _is_header(data, at + FRAME))
