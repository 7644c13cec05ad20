"""Polar Verity Sense: accelerometer and gyroscope over Polar's measurement service (PMD), in SDK mode.

The driver; `polar_decoder` has its decoder. Bytes of the control point are drawn in `polar_control`, of data frames in
`polar_frame`; `polar_time` says when samples were taken, `joined` makes one block of both sensors. On the shoe the
optical heart rate means nothing, and SDK mode does not compute it. Polar's other sensors have no gyroscope and are
refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sensord.drivers import polar_control as control
from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    AttError,
    Await,
    Has,
    PodInfo,
    Read,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.polar_control import CONTROL, DATA, SENSORS, Kind, Op, Setting, Settings
from sensord.drivers.polar_decoder import NAME, PolarDecoder, fits
from sensord.errors import LinkError, LinkReason
from sensord.model import Json

RATES_HZ = (26.0, 52.0, 104.0, 208.0, 416.0)
ACC_RANGES_G = (2.0, 4.0, 8.0, 16.0)
GYR_RANGES_DPS = (250.0, 500.0, 1000.0, 2000.0)
"""What a Verity Sense offers in SDK mode (polar-ble-sdk, SdkModeExplained.md); what a pod has is asked of it."""

NORMAL_RATE_HZ = 52.0
"""The only rate without SDK mode, with 8 g and 2000 dps (PolarVeritySense.md)."""

SLACK = 1.05
"""Design choice: 208 Hz is what is meant by 200."""

FRAME_SAMPLES = 130
"""Samples in the longest frames that were reported, of a pod at rest (polar-ble-sdk issue 439)."""

MODEL, SERIAL, FIRMWARE = (f"0000{n}-0000-1000-8000-00805f9b34fb" for n in ("2a24", "2a25", "2a26"))
"""Device Information (Bluetooth SIG)."""


class Polar:
    """The driver: features, stop what survived, SDK mode, settings, start both sensors and keep their factors."""

    name = NAME
    about = About(
        models=("Polar Verity Sense",),
        rates_hz=RATES_HZ,
        acc_ranges_g=ACC_RANGES_G,
        gyr_ranges_dps=GYR_RANGES_DPS,
        clock="nanoseconds in steps of 30.5 us, last sample of a frame; nobody knows since when",
        loss="exact, by the clock: a lost frame leaves its time",
        measures=("contacts", "contact time", "stride length", "foot strike"),
        cannot=(
            "impact peaks above 16 g: they are clipped",
            "heart rate meanwhile",
            "log a run: on board it records 52 Hz at most",
        ),
        tested_on="emulator only",
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the name; one without a gyroscope is told so by `start`."""
        return (advertisement.name or "").startswith(("Polar Sense", "Polar Verity Sense", "Polar H10", "Polar 360"))

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Starts both sensors at the nearest to `wanted` the pod has. Raises LinkError (IDENTITY, SETUP)."""
        model = yield from _text(MODEL)
        firmware = yield from _text(FIRMWARE)
        serial = yield from _text(SERIAL)
        _need_both_sensors(control.decode_features((yield Read(CONTROL))), model)
        # before the first command (the specification's order); until Announce nothing is kept
        yield Subscribe(CONTROL)
        yield Subscribe(DATA)
        yield from _stop_all()
        sdk_mode = yield from _sdk_mode(wanted, firmware)
        of_acc = yield from _settings(Kind.ACC)
        of_gyr = yield from _settings(Kind.GYRO)
        acc = _choose(of_acc, wanted.rate_hz, wanted.acc_range_g)
        gyr = _choose(of_gyr, wanted.rate_hz, wanted.gyr_range_dps)
        if acc[Setting.RATE_HZ] != gyr[Setting.RATE_HZ]:
            raise LinkError(LinkReason.SETUP, "accelerometer and gyroscope have no rate in common")
        acc_factor = yield from _start(Kind.ACC, acc, of_acc[Setting.RANGE])
        gyr_factor = yield from _start(Kind.GYRO, gyr, of_gyr[Setting.RANGE])
        rate_hz = float(acc[Setting.RATE_HZ][0])
        info = PodInfo(
            driver=NAME,
            model=model or "Polar",
            firmware=firmware,
            serial=serial,
            rate_hz=rate_hz,
            acc_range_g=float(acc[Setting.RANGE][0]),
            gyr_range_dps=float(gyr[Setting.RANGE][0]),
            clock="ns64",
            details={"acc_factor": acc_factor, "gyr_factor": gyr_factor, "sdk_mode": sdk_mode},
            silent_after_s=max(2.0, 2 * FRAME_SAMPLES / rate_hz),
        )
        yield Announce(info)
        return info

    def stop(self) -> Session[None]:
        """Stops both sensors and leaves SDK mode, so that the pod tells a heart rate again."""
        for command in (*map(control.stop, SENSORS), control.stop(Kind.SDK_MODE)):
            yield from _tell(command)

    def decoder(self, info: Mapping[str, Json]) -> PolarDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return PolarDecoder(info)

    def ended(self, characteristic: str, payload: bytes) -> str | None:
        """Why no more samples will come, if this notification says so: the pod stopped a sensor by itself."""
        if characteristic != CONTROL:
            return None
        kinds = [kind for kind in SENSORS if kind in control.stopped_by_pod(payload)]
        return f"the pod stopped its {' and '.join(kind.text for kind in kinds)} by itself" if kinds else None


def _text(uuid: str) -> Session[str]:
    """A characteristic of the Device Information service, empty if the pod has none."""
    if not (yield Has(uuid)):
        return ""
    try:
        value = yield Read(uuid)
    except AttError:
        return ""
    return value.decode("utf-8", "replace").strip("\0 ")


def _need_both_sensors(features: frozenset[int], model: str) -> None:
    missing = [kind for kind in SENSORS if kind not in features]
    if missing:
        raise LinkError(
            LinkReason.IDENTITY,
            f"{model or 'this Polar sensor'} has no {' and no '.join(kind.text for kind in missing)}: it cannot tell "
            "foot contacts; as a heart rate sensor use it with the driver 'standard'",
        )


def _ask(command: bytes) -> Session[control.Answer]:
    """The pod's answer to a command. AttError passes: the link reports it as SETUP."""
    collector = control.Collector(command)
    yield Write(CONTROL, command)
    yield Await(CONTROL, collector.take)
    assert collector.answer is not None
    return collector.answer


def _tell(command: bytes) -> Session[None]:
    """A command whose answer changes nothing, for what may be so already."""
    collector = control.Collector(command)
    try:
        yield Write(CONTROL, command)
        yield Await(CONTROL, collector.take, timeout_s=1.0, else_none=True)
    except AttError:
        pass


def _stop_all() -> Session[None]:
    """Streams outlive the link; SDK mode cannot be changed and nothing be started while they run."""
    answer = yield from _ask(bytes([Op.RUNNING]))
    streaming, recording = control.running(answer.parameters) if answer.done else (frozenset(control.STREAMS), ())
    busy = [kind.text for kind in SENSORS if kind in recording]
    if busy:
        raise LinkError(
            LinkReason.SETUP,
            f"it is recording its {' and '.join(busy)} on board: end the recording where it was begun",
        )
    for kind in control.STREAMS:
        if kind in streaming:
            yield from _tell(control.stop(kind))


def _sdk_mode(wanted: Wanted, firmware: str) -> Session[bool]:
    """Whether SDK mode is on now; without it the pod is too slow, unless so little is wanted."""
    answer = yield from _ask(bytes([Op.SDK_MODE]))
    if answer.done and any(answer.parameters[:1]):
        return True
    answer = yield from _ask(control.start(Kind.SDK_MODE, {}))
    if answer.status in {control.DONE, control.ALREADY}:
        return True
    if answer.status != control.IN_CHARGER and wanted.rate_hz <= NORMAL_RATE_HZ * SLACK:
        return False
    why = f"SDK mode: {control.status_text(answer.status)}"
    if answer.status not in {control.IN_CHARGER, control.WRONG_STATE}:
        why += f"; without it there are {NORMAL_RATE_HZ:g} Hz and 8 g only, firmware 1.1.5 and later has it"
        why += f" (this one: {firmware})" if firmware else ""
    raise LinkError(LinkReason.SETUP, why)


def _settings(kind: Kind) -> Session[dict[Setting, tuple[float, ...]]]:
    answer = yield from _ask(bytes([Op.SETTINGS, kind]))
    if not answer.done:
        raise LinkError(LinkReason.SETUP, f"settings of the {kind.text}: {control.status_text(answer.status)}")
    settings = control.decode_settings(answer.parameters)
    for needed in (Setting.RATE_HZ, Setting.RANGE):
        if min(settings.get(needed, ()), default=0) <= 0:
            raise LinkError(
                LinkReason.SETUP, f"the {kind.text} does not name its {needed.text}: {answer.parameters.hex(' ')}"
            )
    return settings


def _choose(offered: Settings, rate_hz: float, range_wanted: float) -> dict[Setting, tuple[float, ...]]:
    """The highest rate up to the wanted one (else the lowest), the narrowest range that holds what is wanted."""
    rates, ranges = offered[Setting.RATE_HZ], offered[Setting.RANGE]
    chosen = {
        Setting.RATE_HZ: (max((r for r in rates if r <= rate_hz * SLACK), default=min(rates)),),
        Setting.RESOLUTION_BITS: (max(offered.get(Setting.RESOLUTION_BITS, ()), default=0),),
        Setting.RANGE: (min((r for r in ranges if r >= range_wanted), default=max(ranges)),),
        Setting.CHANNELS: (max(offered.get(Setting.CHANNELS, ()), default=0),),
    }
    # only what the pod names: an H10 does not want the channels
    return {setting: values for setting, values in chosen.items() if setting in offered}


def _start(kind: Kind, settings: Settings, ranges: Sequence[float]) -> Session[float | None]:
    """Starts a sensor; the factor it says its values are to be multiplied with."""
    answer = yield from _ask(control.start(kind, settings))
    if not answer.done:
        said = ", ".join(f"{setting.text} {values[0]:g}" for setting, values in settings.items())
        raise LinkError(LinkReason.SETUP, f"{kind.text} ({said}): {control.status_text(answer.status)}")
    factor = control.factor_of(answer.parameters)
    if factor is not None:
        _verify(kind, factor, settings[Setting.RANGE][0], ranges)
    return factor


def _verify(kind: Kind, factor: float, asked: float, ranges: Sequence[float]) -> None:
    """16 bits times the factor are about the range: the pod's own word on what it was set to, if it is of that kind."""
    if not (math.isfinite(factor) and factor > 0):
        raise LinkError(LinkReason.SETUP, f"{kind.text}: conversion factor {factor:g}")
    is_set_to = [r for r in ranges if fits(factor, r) or fits(factor / 1000, r)]  # of the unit, or of thousandths
    if is_set_to and asked not in is_set_to:
        raise LinkError(LinkReason.SETUP, f"{kind.text}: its range is {is_set_to[0]:g}, asked {asked:g}")
