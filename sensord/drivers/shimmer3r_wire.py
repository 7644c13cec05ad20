"""Bytes of a Shimmer3R (LogAndStream firmware) over BLE: a byte stream each way on one characteristic of its module.

Where notifications begin and end means nothing. A command is its opcode and arguments; the answer is FF (done) with
perhaps a response behind it, or FE (refused). With the checksum on, every answer and every sample ends in one:

     0 FF        u8   done                                      0 00       u8    a sample
     1 opcode    u8   of the response; 8A before those that     1 time     u24   ticks of 32768 Hz, wraps at 512 s
                      may come between samples                  4 channels ...   in the order that INQUIRY names
     2 payload   ...                                           -2 crc      u16
    -2 crc       u16

A status that nobody asked for is such an answer too, with or without its FF. Numbers are little-endian but for
calibration blocks and the high-g channels.

    INQUIRY      02: divisor u16 (rate = 32768 / divisor), settings 7 x u8, channels n u8, 01, n x channel id u8
                 settings as one number: gyroscope range bits 16-17 and 34, accelerometer range bits 30-31
    calibration  offset 3 x i16, sensitivity 3 x i16, alignment 9 x i8, big-endian; alignment in 1/100, sensitivity of
                 the gyroscope in 1/100 counts per dps; all 00 or all FF: none stored.
                 value = alignment^-1 (counts - offset) / sensitivity, in m/s2 or dps, in the frame of the pod's case
    status       8A 71: u8 (`Status`), u8 USB plugged in
    battery      8A 94: adc u16, charger u8; mV = 2 x 3000 x adc / 4095
    clock        90: u64 ticks of 32768 Hz since 1970 or since it was set last; samples carry its low 24 bits

Sources (ShimmerResearch on GitHub, read 2026-11): log-and-stream-common docs/SHIMMER3_BT_COMMUNICATION_PROTOCOL.md and
SHIMMER3_STREAMING_DATA_FORMAT.md, SHIMMER3_CALIBRATION.md (3), SHIMMER3_TIMEKEEPING.md (7.1: the samples' ticks are the
clock's), SHIMMER3_BATTERY_AND_CHARGING.md, Boards/shimmer_boards.c (who has a high-g sensor); shimmer-web-sdk
src/devices/shimmer3r (characteristics, channel widths) and src/devices/calibration (defaults).
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

from sensord.errors import LinkError, LinkReason
from sensord.model import FloatArray, IntArray, Json

SERVICE = "65333333-a115-11e2-9e9a-0800200ca100"
DATA = "65333333-a115-11e2-9e9a-0800200ca102"
"""Both ways: write without response, notify. The module's ...ca101 only indicates, which halves what a link carries
(shimmer-web-sdk src/devices/shimmer3r/constants.ts)."""

NAME_STEM, NAME_END = "Shimmer3R-", "-BLE"
"""Local name: other makers' products use the module's service, too."""

TICKS_HZ = 32768
TICK_SPAN = 1 << 24
LATEST_TICKS = 1 << 48
"""272 years: more than any clock shows, and still nanoseconds that fit in 64 bits."""

DIVISORS = (640, 320, 256, 160, 128, 80, 64)
"""Rates we ask for: 51.2, 102.4, 128, 204.8, 256, 409.6 and 512 Hz. The firmware takes any divisor up to 4096 Hz; with
these a second is a whole number of ticks, and 512 Hz is the most that is thought to get through the air."""

NAME = "shimmer3r"
CLOCK = "u24 32768 Hz"

CRC_SEED = 0xB0CA
CRC_BYTES = 2

ACC, GYR, HIGH_G = (0x00, 0x01, 0x02), (0x0A, 0x0B, 0x0C), (0x14, 0x15, 0x16)

CHANNEL_BYTES = (
    dict.fromkeys(range(0x29), 2)
    | dict.fromkeys((0x1A, 0x1B, 0x1E, 0x1F, 0x21, 0x22), 3)
    | dict.fromkeys((0x1D, 0x20), 1)
)
"""Width of every channel of a Shimmer3R. One that is not here could have any width: everything behind it is unknown."""

SENSORS_ACC, SENSORS_GYR, SENSORS_HIGH_G = 0x80, 0x40, 0x400000

ACC_RANGES_G = (2.0, 4.0, 8.0, 16.0)
GYR_RANGES_DPS = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)
HIGH_G_RANGE_G = 200.0
ODRS_HZ = {5: 60.0, 6: 120.0, 7: 240.0, 8: 480.0, 9: 960.0, 10: 1920.0}
"""Codes of the LSM6DSV, accelerometer and gyroscope alike."""
HIGH_G_ODRS_HZ = (320.0, 640.0, 1280.0, 2560.0)

SATURATED_SHARE = 0.995
"""As in model.SampleBlock."""

WORD_END = 32767
HIGH_G_WORD_END = 2047


class Op(IntEnum):
    """Commands, and the responses that have an opcode of their own."""

    INQUIRY = 0x01
    INQUIRY_RSP = 0x02
    SET_RATE = 0x05
    START_STREAM = 0x07
    SET_SENSORS = 0x08
    STOP_STREAM = 0x20
    GET_HARDWARE = 0x3F
    HARDWARE_RSP = 0x25
    GET_FIRMWARE = 0x2E
    FIRMWARE_RSP = 0x2F
    SET_GYR_RANGE = 0x49
    SET_ODR = 0x4C
    ODR_RSP = 0x4D
    GET_ODR = 0x4E
    SET_ACC_RANGE = 0x4F
    GET_BOARD = 0x66
    BOARD_RSP = 0x65
    GET_STATUS = 0x72
    STATUS_RSP = 0x71
    IN_STREAM = 0x8A
    SET_CRC = 0x8B
    GET_MEMORY = 0x8E
    MEMORY_RSP = 0x8D
    SET_CLOCK = 0x8F
    CLOCK_RSP = 0x90
    GET_CLOCK = 0x91
    START_LOG = 0x92
    GET_DIR = 0x89
    DIR_RSP = 0x88
    BATTERY_RSP = 0x94
    GET_BATTERY = 0x95
    STOP_ALL = 0x97
    SET_HIGH_G_ODR = 0xAC
    HIGH_G_ODR_RSP = 0xAD
    GET_HIGH_G_ODR = 0xAE
    NACK = 0xFE
    ACK = 0xFF


CALIBRATION_OPS = {"acc": (0x13, 0x12), "gyr": (0x16, 0x15), "high_g": (0xAB, 0xAA)}
"""Command and response opcode of each sensor's calibration, of the range it is set to."""

MAC_ADDRESS = (224, 6)
"""Place and length in the pod's memory."""


class Status(IntFlag):
    """First status byte."""

    DOCKED = 1
    SENSING = 2
    CLOCK_SET = 4
    LOGGING = 8
    STREAMING = 16
    CARD_IN = 32
    CARD_BAD = 64
    LED = 128


def crc16(data: bytes | memoryview) -> int:
    """CRC-16 of polynomial 0x1021, seed 0xB0CA; one 00 is added where the length is odd."""
    crc = crc_hqx(data, CRC_SEED)
    return crc_hqx(b"\0", crc) if len(data) & 1 else crc


def sealed(frame: bytes) -> bytes:
    """A frame with its checksum."""
    return frame + crc16(frame).to_bytes(2, "little")


DONE = sealed(bytes([Op.ACK]))
REFUSED = sealed(bytes([Op.NACK]))


# ---------------------------------------------------------------------------------------------------------- samples


@dataclass(frozen=True)
class Schema:
    """What a sample is made of, from INQUIRY's channels. Raises LinkError (SETUP) for what cannot be read."""

    channels: tuple[int, ...]
    record_bytes: int = field(init=False)
    """Time and channels; what a log keeps of a sample."""
    high_g: bool = field(init=False)
    _order: IntArray = field(init=False, repr=False, compare=False)
    """Where in a record the bytes of acc, gyr and high-g x, y, z are, low byte first."""

    def __post_init__(self) -> None:
        at, places = 3, {}
        for channel in self.channels:
            if channel not in CHANNEL_BYTES:
                raise LinkError(LinkReason.SETUP, f"it sends channel 0x{channel:02x}, whose width is not known")
            places[channel] = at
            at += CHANNEL_BYTES[channel]
        missing = [f"0x{c:02x}" for c in ACC + GYR if c not in places]
        if missing:
            raise LinkError(LinkReason.SETUP, f"it does not send channels {', '.join(missing)}")
        high_g = all(channel in places for channel in HIGH_G)
        starts = np.array([places[c] for c in ACC + GYR + (HIGH_G if high_g else ())])
        swapped = np.arange(len(starts)) >= 6  # the high-g channels come with their high byte first
        order = np.stack([starts + swapped, starts + ~swapped], axis=1).ravel()
        self._set(record_bytes=at, high_g=high_g, _order=order)

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def frame_bytes(self) -> int:
        """A sample on the air."""
        return 1 + self.record_bytes + CRC_BYTES

    def ticks(self, records: npt.NDArray[np.uint8]) -> IntArray:
        """Times (n,) of records (n, record_bytes), wrapped."""
        return records[:, 0] | records[:, 1].astype(np.int64) << 8 | records[:, 2].astype(np.int64) << 16

    def words(self, records: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """Counts (n, 6 or 9): acc, gyr and high-g x, y, z, whatever order they came in."""
        words = records.take(self._order, axis=1).view("<i2").astype(np.int32)
        words[:, 6:] >>= 4  # twelve bits, left-justified
        return words

    def encode(self, ticks: IntArray, words: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """Records of samples: the inverse of `ticks` and `words`; channels that are neither are zero."""
        records = np.zeros((len(ticks), self.record_bytes), np.uint8)
        for i in range(3):
            records[:, i] = ticks >> 8 * i & 0xFF
        shifted = words.astype(np.int32)
        shifted[:, 6:] <<= 4
        records[:, self._order] = shifted.astype("<i2").view(np.uint8)
        return records


def encode_sample(record: bytes) -> bytes:
    """A sample as it goes on the air."""
    return sealed(b"\0" + record)


# ------------------------------------------------------------------------------------------------------ calibration

_BLOCK = struct.Struct(">6h9b")
CALIBRATION_BYTES = _BLOCK.size
GYR_SENSITIVITY_STEPS = 100

PLAUSIBLE = 0.25
"""Design choice: how far a stored sensitivity may be off the default before it is taken for that of another range or
for junk. Parts of one kind differ by a few per cent."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One sensor at one range: offset (counts), sensitivity (counts per m/s2 or dps), alignment (rows)."""

    offset: tuple[float, ...]
    sensitivity: tuple[float, ...]
    alignment: tuple[float, ...]

    def matrix(self) -> FloatArray:
        """What (counts - offset) is multiplied with, (3, 3), in m/s2 or dps."""
        rows = np.linalg.inv(np.array(self.alignment, np.float64).reshape(3, 3))
        scaled: FloatArray = rows / np.array(self.sensitivity)
        return scaled

    def encode(self, steps: int = 1) -> bytes:
        """The block; `steps`: in which parts of a count the sensitivity is stored."""
        return _BLOCK.pack(
            *(round(v) for v in self.offset),
            *(round(v * steps) for v in self.sensitivity),
            *(round(v * 100) for v in self.alignment),
        )

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return {"offset": [*self.offset], "sensitivity": [*self.sensitivity], "alignment": [*self.alignment]}

    @classmethod
    def from_json(cls, value: Json) -> Calibration:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError."""
        parts = [tuple(float(v) for v in value[name]) for name in ("offset", "sensitivity", "alignment")]
        if [len(p) for p in parts] != [3, 3, 9]:
            raise ValueError("a calibration has 3, 3 and 9 numbers")
        return cls(*parts)


def decode_calibration(block: bytes, steps: int = 1) -> Calibration | None:
    """The inverse of `Calibration.encode`; None for no calibration, or one that cannot be inverted."""
    if len(block) != CALIBRATION_BYTES or block in (bytes(CALIBRATION_BYTES), b"\xff" * CALIBRATION_BYTES):
        return None
    numbers = _BLOCK.unpack(block)
    alignment = tuple(v / 100 for v in numbers[6:])
    if 0 in numbers[3:6] or abs(np.linalg.det(np.array(alignment).reshape(3, 3))) < 0.5:
        return None
    return Calibration(tuple(map(float, numbers[:3])), tuple(v / steps for v in numbers[3:6]), alignment)


_ALIGNED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
_HIGH_G_ALIGNED = (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
_ACC_COUNTS = (1672.0, 836.0, 418.0, 209.0)
_GYR_COUNTS = (229.0, 114.0, 57.0, 29.0, 14.0, 7.0)


def default_calibration(sensor: str, code: int = 0) -> Calibration:
    """The maker's default of "acc", "gyr" or "high_g" at a range code (shimmer-web-sdk calibration/defaults.ts).

    The gyroscope's are rounded: 14 counts per dps at 2000 dps stand for 14.28, 2 % off.
    """
    if sensor == "high_g":
        return Calibration((10.0,) * 3, (1.0,) * 3, _HIGH_G_ALIGNED)
    counts = (_ACC_COUNTS if sensor == "acc" else _GYR_COUNTS)[code]
    return Calibration((0.0,) * 3, (counts,) * 3, _ALIGNED)


def plausible(found: Calibration, default: Calibration) -> bool:
    """Whether a stored calibration can be of this sensor at this range."""
    pairs = zip(found.sensitivity, default.sensitivity, strict=True)
    return all(abs(f - d) <= PLAUSIBLE * d for f, d in pairs)


# --------------------------------------------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What the pod will send: INQUIRY taken apart."""

    divisor: int
    settings: bytes
    channels: tuple[int, ...]

    @property
    def acc_code(self) -> int:
        """Range of the accelerometer, an index into ACC_RANGES_G."""
        return int.from_bytes(self.settings, "little") >> 30 & 3

    @property
    def gyr_code(self) -> int:
        """Range of the gyroscope, an index into GYR_RANGES_DPS (or beyond it)."""
        bits = int.from_bytes(self.settings, "little")
        return bits >> 16 & 3 | (bits >> 34 & 1) << 2


SETTINGS_BYTES = 7


def settings_of(acc_code: int, gyr_code: int) -> bytes:
    """Setting bytes with these ranges."""
    bits = acc_code << 30 | (gyr_code & 3) << 16 | gyr_code >> 2 << 34
    return bits.to_bytes(SETTINGS_BYTES, "little")


def encode_inquiry(inquiry: Inquiry) -> bytes:
    """INQUIRY's payload, behind the opcode."""
    head = struct.pack("<H", inquiry.divisor) + inquiry.settings
    return head + bytes([len(inquiry.channels), 1]) + bytes(inquiry.channels)


def decode_inquiry(payload: bytes) -> Inquiry:
    """The inverse of `encode_inquiry`. Raises LinkError (SETUP)."""
    if len(payload) < 11 or len(payload) != 11 + payload[9] or not payload[0] | payload[1]:
        raise LinkError(LinkReason.SETUP, f"its inquiry cannot be read: {payload.hex()}")
    return Inquiry(int.from_bytes(payload[:2], "little"), bytes(payload[2:9]), tuple(payload[11:]))


def inquiry_bytes(payload: bytes) -> int | None:
    """How long INQUIRY's payload is, as soon as its beginning tells."""
    return 11 + payload[9] if len(payload) > 9 else None


def has_high_g(board: bytes) -> bool:
    """Whether a unit has the ADXL371, by the first three bytes of its board's page: number, major, minor.

    The firmware sends the channels whether the part is there or not. The list is the firmware's own
    (`ShimBrd_isAdxl371Present`): every IMU board (SR31), the others only in their first revisions.
    """
    early = {(48, 6, 0), (48, 7, 0), (48, 7, 1), (47, 7, 0), (47, 7, 1), (49, 4, 0), (38, 4, 0)}
    return len(board) >= 3 and (board[0] == 31 or tuple(board[:3]) in early)


def ticks_to_ns(ticks: int) -> int:
    """Nanoseconds of a number of ticks, rounded."""
    return (ticks * 1_953_125 + 32) // 64
