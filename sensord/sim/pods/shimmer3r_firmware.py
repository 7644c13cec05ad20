"""The firmware of a simulated Shimmer3R: its settings, its answers, what its sensors make of a motion.

Unknown command bytes are swallowed without an answer, settings are kept over a restart, values out of range are
replaced by a default and acknowledged, as LogAndStream does (log-and-stream-common Comms/shimmer_bt_uart.c).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensord.drivers.shimmer3r_card import CardOp
from sensord.drivers.shimmer3r_wire import (
    CALIBRATION_BYTES,
    CALIBRATION_OPS,
    DIVISORS,
    GYR_SENSITIVITY_STEPS,
    HIGH_G_WORD_END,
    MAC_ADDRESS,
    SENSORS_ACC,
    SENSORS_GYR,
    SENSORS_HIGH_G,
    WORD_END,
    Calibration,
    Inquiry,
    Op,
    encode_inquiry,
    has_high_g,
    settings_of,
)
from sensord.model import FloatArray
from sensord.sim.pods.shimmer3r_card import arguments_of
from sensord.sim.sources import Samples

WITHOUT_ARGUMENTS = {
    Op.INQUIRY,
    Op.START_STREAM,
    Op.STOP_STREAM,
    Op.GET_HARDWARE,
    Op.GET_FIRMWARE,
    Op.GET_ODR,
    Op.GET_STATUS,
    Op.GET_CLOCK,
    Op.GET_DIR,
    Op.GET_BATTERY,
    Op.STOP_ALL,
    Op.START_LOG,
    Op.GET_HIGH_G_ODR,
    CardOp.SPACE,
    *(op for op, _ in CALIBRATION_OPS.values()),
}
ARGUMENTS = dict.fromkeys(WITHOUT_ARGUMENTS, 0) | {
    Op.SET_RATE: 2,
    Op.SET_SENSORS: 3,
    Op.SET_GYR_RANGE: 1,
    Op.SET_ODR: 1,
    Op.SET_ACC_RANGE: 1,
    Op.GET_BOARD: 2,
    Op.SET_CRC: 1,
    Op.GET_MEMORY: 3,
    Op.SET_CLOCK: 8,
    Op.SET_HIGH_G_ODR: 1,
}
"""Bytes behind each command (`ShimBt_dmaConversionDone`)."""

SETTINGS = {
    Op.SET_RATE: ("divisor", None),
    Op.SET_SENSORS: ("sensors", None),
    Op.SET_ACC_RANGE: ("acc_code", 4),
    Op.SET_GYR_RANGE: ("gyr_code", 6),
    Op.SET_ODR: ("odr", 13),
    Op.SET_HIGH_G_ODR: ("high_g_odr", 4),
}
"""What each command sets, and from where on a value is replaced by 0. Refused while it samples."""

CHANNELS = (
    (0x20, (0x07, 0x08, 0x09)),
    (SENSORS_GYR, (0x0A, 0x0B, 0x0C)),
    (SENSORS_ACC, (0x00, 0x01, 0x02)),
    (0x40000, (0x1B, 0x1A)),
    (SENSORS_HIGH_G, (0x14, 0x15, 0x16)),
    (0x1000, (0x04, 0x05, 0x06)),
    (0x2000, (0x03,)),
)
"""Sensor bit and its channels, in the order that the firmware sends them."""

CALIBRATIONS = {
    "acc": Calibration((12.0, -7.0, 5.0), (208.0, 209.0, 210.0), (-1.0, 0.01, 0.0, 0.0, 1.0, -0.01, 0.02, 0.0, -1.0)),
    "gyr": Calibration((3.0, -4.0, 1.0), (14.28,) * 3, (-1.0, 0.0, 0.01, 0.0, 1.0, 0.0, 0.0, -0.01, -1.0)),
    "high_g": Calibration((9.0, 11.0, 10.0), (1.0,) * 3, (0.0, 1.0, 0.0, 1.0, 0.0, 0.01, 0.0, 0.0, -1.0)),
}
"""As a unit could have been calibrated: a little off, a little askew."""


class Firmware:
    """Settings as they are in memory, and answers that need nothing else."""

    def __init__(self, mac: str, board: tuple[int, int, int], version: tuple[int, int, int]) -> None:
        self.mac, self.board, self.version = mac, board, version
        self.calibrations = dict(CALIBRATIONS)
        self.divisor, self.acc_code, self.gyr_code, self.odr, self.high_g_odr = max(DIVISORS), 0, 2, 5, 0
        self.sensors = SENSORS_ACC | SENSORS_GYR | 0x20
        self.heard = b""

    def next_command(self) -> tuple[int, bytes] | None:
        """Opcode and arguments of the next command that has come whole."""
        while self.heard:
            op = self.heard[0]
            about_files = op in set(CardOp) and op != CardOp.SPACE
            size = arguments_of(self.heard) if about_files else ARGUMENTS.get(op)
            if size is None:
                self.heard = self.heard[1:]
                continue
            if len(self.heard) < 1 + size:
                return None
            arguments, self.heard = self.heard[1 : 1 + size], self.heard[1 + size :]
            return op, arguments
        return None

    def set(self, op: int, arguments: bytes) -> bool:
        """Changes a setting; False if it is none."""
        if op not in SETTINGS:
            return False
        name, end = SETTINGS[Op(op)]
        value = int.from_bytes(arguments, "little")
        setattr(self, name, value if end is None or value < end else 0)
        return True

    def answer(self, op: int, arguments: bytes) -> bytes:
        """Response opcode and payload of what is in memory."""
        for sensor, (get, response) in CALIBRATION_OPS.items():
            if op == get:
                return bytes([response]) + self.calibration_block(sensor)
        major, minor, patch = self.version
        answers = {
            Op.INQUIRY: lambda: bytes([Op.INQUIRY_RSP]) + encode_inquiry(self.inquiry),
            Op.GET_HARDWARE: lambda: bytes([Op.HARDWARE_RSP, 10]),
            Op.GET_FIRMWARE: lambda: bytes([Op.FIRMWARE_RSP, 3, 0, major & 0xFF, major >> 8, minor, patch]),
            Op.GET_ODR: lambda: bytes([Op.ODR_RSP, self.odr]),
            Op.GET_HIGH_G_ODR: lambda: bytes([Op.HIGH_G_ODR_RSP, self.high_g_odr]),
            Op.GET_BOARD: lambda: bytes([Op.BOARD_RSP, arguments[0]]) + bytes(self.board)[: arguments[0]],
            Op.GET_MEMORY: lambda: bytes([Op.MEMORY_RSP, arguments[0]]) + self._memory(arguments),
        }
        return answers[Op(op)]() if op in answers else b""

    @property
    def inquiry(self) -> Inquiry:
        """What it will send."""
        return Inquiry(self.divisor, settings_of(self.acc_code, self.gyr_code), self.channels)

    @property
    def channels(self) -> tuple[int, ...]:
        """What a sample holds, in order."""
        return tuple(c for bit, channels in CHANNELS if self.sensors & bit for c in channels)

    def calibration_block(self, sensor: str) -> bytes:
        """As it is stored; FF where it was never calibrated."""
        steps = GYR_SENSITIVITY_STEPS if sensor == "gyr" else 1
        stored = sensor in self.calibrations
        return self._calibration(sensor).encode(steps) if stored else b"\xff" * CALIBRATION_BYTES

    def words(self, samples: Samples, *, high_g: bool) -> npt.NDArray[np.int64]:
        """Counts as each sensor gives them. Without the part, the high-g channels hold what is left on the wire."""
        parts = [
            self._counts("acc", samples.acc_mps2, samples.saturated & 7, WORD_END),
            self._counts("gyr", np.rad2deg(samples.gyr_radps), samples.saturated >> 3 & 7, WORD_END),
        ]
        if high_g:
            none = np.zeros(len(samples), np.int64)
            parts.append(self._counts("high_g", samples.acc_mps2, none, HIGH_G_WORD_END))
            if not has_high_g(bytes(self.board)):
                parts[-1][:] = -1
        return np.hstack(parts)

    def _memory(self, arguments: bytes) -> bytes:
        known = (int.from_bytes(arguments[1:], "little"), arguments[0]) == MAC_ADDRESS
        return bytes.fromhex(self.mac) if known else bytes(arguments[0])

    def _calibration(self, sensor: str) -> Calibration:
        """Of the range that is set, in proportion to that of 16 g and 2000 dps; what is true if none is stored."""
        stored = self.calibrations.get(sensor, CALIBRATIONS[sensor])
        wider = {"acc": 2.0 ** (3 - self.acc_code), "gyr": 2.0 ** (4 - self.gyr_code)}.get(sensor, 1.0)
        return Calibration(stored.offset, tuple(k * wider for k in stored.sensitivity), stored.alignment)

    def _counts(
        self, sensor: str, values: FloatArray, saturated: npt.NDArray[np.integer], limit: int
    ) -> npt.NDArray[np.int64]:
        calibration = self._calibration(sensor)
        turned = values @ np.array(calibration.alignment).reshape(3, 3).T
        counts = turned * np.array(calibration.sensitivity) + np.array(calibration.offset)
        raw = np.clip(np.rint(counts), -limit - 1, limit)
        clipped = ((saturated[:, None] >> np.arange(3)) & 1) == 1
        words: npt.NDArray[np.int64] = np.where(clipped, np.copysign(limit, counts), raw).astype(np.int64)
        return words
