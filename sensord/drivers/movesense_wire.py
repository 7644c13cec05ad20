"""Bytes of Movesense sensors: commands, answers and samples of the GATT SensorData Protocol (GSP), version 1.

Commands are written to one characteristic and answered on the other, where samples come, too. `ref` is chosen by us and
comes back in all that belongs to a command:

    command   [code][ref][payload]
    answer    [1][ref][status u16][data]                status as of HTTP
    to HELLO  [1][ref][version][serial NUL product NUL address NUL app NUL app version NUL]     it has no status
    data      [2][ref][first part]  [3][ref][the rest, if it does not fit into one notification]
    of a log  [2 or 3][ref][offset u32][bytes]          no bytes: that was all

    samples of /Meas/IMU6/rate, little-endian; n is not told, it is what the length says:

     0    4                4 + 12 n          4 + 24 n
     +----+----------------+-----------------+
     | t  | n acc x,y,z    | n gyr x,y,z     |       t u32 ms since it was switched on, of the first sample
     +----+----------------+-----------------+       float32, m/s2 and degrees per second

Sources: movesense.com/docs/esw/gatt_sensordata_protocol; what was seen on hardware: sokolmarek/movesense-commander
@216f7624 docs/gsp-protocol.md, sensein/movesense-py @800da2ab (hardware-protocols.md 4.5).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import FloatArray

NAME = "movesense"

SERVICE, WRITE, NOTIFY = (f"3480{n}-7185-4d5d-b431-630e7050e8f0" for n in ("2252", "0001", "0002"))

COMPANY_SERVICE = "0000fdf3-0000-1000-8000-00805f9b34fb"
HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
"""What is advertised; the service above is usually not."""

PACKETS_HZ = 13
"""Packets come at 13 Hz, whatever the rate: a packet has rate / 13 samples."""

CLOCK_SPAN_MS = 1 << 32

ACC_BITS_G = {2.0: 0.061e-3, 4.0: 0.122e-3, 8.0: 0.244e-3, 16.0: 0.488e-3}
GYR_BITS_DPS = {125.0: 4.375e-3, 245.0: 8.75e-3, 250.0: 8.75e-3, 500.0: 17.5e-3, 1000.0: 35e-3, 2000.0: 70e-3}
"""A bit by the range. Captured packets have steps of 0.244 mg and 70 mdps (sensein/movesense-py, fixture.json); the
others are those of the same kind of sensor, unverified."""

GRAVITY_MPS2 = 9.807
"""What its firmware takes a g for: captured steps are 0.0023929 m/s2."""

MOST_COUNTS = 32767


class Command(IntEnum):
    """What can be asked for."""

    HELLO = 0
    SUBSCRIBE = 1
    UNSUBSCRIBE = 2
    FETCH_LOG = 3
    GET = 4
    CLEAR_LOGBOOK = 5
    PUT_LOGGER_CONFIG = 6
    PUT_SYSTEM_MODE = 7
    PUT_UTC_TIME = 8
    PUT_LOGGER_STATE = 9


class Reply(IntEnum):
    """First byte of a notification."""

    ANSWER = 1
    DATA = 2
    REST = 3


class Ref(IntEnum):
    """What we call our commands: another number for each, so that no late answer is taken for another's."""

    HELLO = 1
    BATTERY = 2
    LOGGER = 3
    ACC_INFO = 4
    ACC_RANGE = 5
    GYR_RANGE = 6
    TIME = 7
    CONFIGURE = 8
    LOG_ON = 9
    LOG_OFF = 10
    ENTRIES = 11
    CLEAR = 12
    RESTART = 13
    FETCH = 14
    STOP = 15
    SAMPLES = 99


RESTART_MODE = 5
READY, LOGGING = 2, 3
"""Modes of the system and states of the data logger."""

OK, ACCEPTED, NOT_FOUND, CONFLICT, BUSY = 200, 202, 404, 409, 429

STATUS = {
    400: "it does not understand the request",
    401: "it can only be subscribed to",
    404: "it has no such thing",
    409: "not in the state it is in",
    429: "its requests are all taken, and stay so until it is restarted",
    501: "its firmware cannot do this",
    503: "not to be had now",
    507: "its memory is full",
}


def status_text(status: int) -> str:
    """A status in words."""
    return f"{STATUS.get(status, 'an unknown status')} ({status})"


def command(code: Command, ref: int, payload: bytes = b"") -> bytes:
    """Bytes of a command."""
    return bytes([code, ref]) + payload


def path(name: str) -> bytes:
    """A resource's name, as it goes into a command."""
    return name.encode() + b"\0"


def encode_answer(ref: int, status: int, data: bytes = b"") -> bytes:
    """An answer."""
    return struct.pack("<BBH", Reply.ANSWER, ref, status) + data


def encode_parts(ref: int, payload: bytes, most_bytes: int) -> list[bytes]:
    """Notifications of one packet of data: one, or two."""
    room = most_bytes - 2
    parts = [payload[:room], payload[room : 2 * room]]
    return [bytes([reply, ref]) + part for reply, part in zip((Reply.DATA, Reply.REST), parts, strict=True) if part]


# --------------------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is."""

    serial: str
    product: str
    app: str
    version: str


def encode_hello(ref: int, identity: Identity, address: str) -> bytes:
    """The answer to HELLO."""
    texts = (identity.serial, identity.product, address, identity.app, identity.version)
    return bytes([Reply.ANSWER, ref, 1]) + b"".join(path(text) for text in texts)


def decode_hello(answer: bytes) -> Identity:
    """The inverse. Raises LinkError (IDENTITY)."""
    texts = [text.decode("utf-8", "replace").strip() for text in answer[3:].split(b"\0")]
    if len(texts) < 5 or not texts[0]:
        raise LinkError(LinkReason.IDENTITY, f"it does not say who it is: {answer.hex(' ') or 'nothing'}")
    return Identity(texts[0], texts[1], texts[3], texts[4])


def encode_acc_info(rates_hz: tuple[int, ...], ranges_g: tuple[int, ...]) -> bytes:
    """Data of /Meas/Acc/Info: two lists, each with its length before it."""
    return struct.pack(f"<B{len(rates_hz)}HB{len(ranges_g)}B", len(rates_hz), *rates_hz, len(ranges_g), *ranges_g)


def decode_acc_info(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rates (Hz) and ranges (g). Raises LinkError (SETUP)."""
    try:
        (n_rates,) = struct.unpack_from("<B", data)
        rates = struct.unpack_from(f"<{n_rates}H", data, 1)
        (n_ranges,) = struct.unpack_from("<B", data, 1 + 2 * n_rates)
        ranges = struct.unpack_from(f"<{n_ranges}B", data, 2 + 2 * n_rates)
    except struct.error:
        raise LinkError(LinkReason.SETUP, f"its rates cannot be read: {data.hex(' ') or 'nothing'}") from None
    return rates, ranges


TIME_DETAILED = struct.Struct("<QIII")
"""Wall time us, time since it was switched on in ms, ticks a second of its clock (not of this), accuracy."""


def decode_time(data: bytes) -> int:
    """Its clock in ms. Raises LinkError (SETUP)."""
    if len(data) != TIME_DETAILED.size:
        raise LinkError(LinkReason.SETUP, f"its clock cannot be read: {data.hex(' ') or 'nothing'}")
    return int(TIME_DETAILED.unpack(data)[1])


ENTRY = struct.Struct("<IIQ")
"""A log: id, when it was written, bytes."""


def encode_entries(entries: list[tuple[int, int, int]], most_bytes: int) -> bytes:
    """Data of /Mem/Logbook/entries: as many as one notification holds."""
    entries = entries[: (most_bytes - 5) // ENTRY.size]
    return bytes([len(entries)]) + b"".join(ENTRY.pack(*entry) for entry in entries)


def decode_entries(data: bytes) -> dict[int, int]:
    """Bytes of each log, by its id. Raises LinkError (SETUP)."""
    if not data or (len(data) - 1) % ENTRY.size or (len(data) - 1) // ENTRY.size > data[0]:
        raise LinkError(LinkReason.SETUP, f"its list of logs cannot be read: {data.hex(' ') or 'nothing'}")
    return {int(log): int(size) for log, _, size in ENTRY.iter_unpack(data[1:])}


# --------------------------------------------------------------------------------------------------------- samples


def samples_in(size: int) -> int:
    """How many samples a packet of that size has. Raises PacketError."""
    n, rest = divmod(size - 4, 24)
    if rest or n < 1:  # pragma: no branch - the decoders only ask for sizes that they have checked
        raise PacketError(PacketReason.LENGTH, f"{size} bytes are no whole samples")
    return n


def encode_imu6(t_ms: int, acc_mps2: npt.NDArray[np.floating], gyr_dps: npt.NDArray[np.floating]) -> bytes:
    """A packet of samples (n, 3)."""
    both = np.stack([acc_mps2, gyr_dps]).astype("<f4")
    return (t_ms % CLOCK_SPAN_MS).to_bytes(4, "little") + both.tobytes()


def decode_imu6(payload: bytes) -> tuple[int, FloatArray, FloatArray]:
    """Time of the first (ms), acc (n, 3) m/s2, gyr (n, 3) dps. Raises PacketError."""
    n = samples_in(len(payload))
    with np.errstate(invalid="ignore"):  # a NaN stays one
        both = np.frombuffer(payload, "<f4", offset=4).astype(np.float64).reshape(2, n, 3)
    return int.from_bytes(payload[:4], "little"), both[0], both[1]
