"""Rows of a real pod's run: streamed over Bluetooth at 100 Hz, 11 % of it lost, beside a Stryd pod on the same run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensord.analysis import Analysis, analyse
from sensord.analysis_summary import GOOD_CONFIDENCE
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.model import NS, Activity, FloatArray, Stride
from sensord.validation import datasets
from sensord.validation.fit_file import Seconds, can_read, read_records, read_seconds
from sensord.validation.lengths import taught_strides
from sensord.validation.rows import Kind, On, Row, Target, Verdict, absent, compared, scored
from sensord.validation.smoothing import mean_of_records
from sensord.validation.workbench import Workbench

RUN = On("wearable-my-foot run, 100 Hz", Kind.REAL)
STILL = On("the same pod at rest", Kind.REAL)
HAND_COUNT = 141
"""Strides counted by hand in the signal (the data folder's README)."""
STRYD_AHEAD_S = 10.75
"""Stryd's elapsed time less the recording's (the same)."""
CONTACT_S = (0.1, 0.4)
"""Stance times of a run: what Stryd says while it starts (0.64 s) is none. Design choice."""
CLOCKS = "Stryd's mean cadence is 2.7 % below the count by hand over the same seconds: one of the two clocks is off"
STRYD_SD_MPS = 0.1
"""What Stryd's speed is worth when it teaches the estimator: 3 % of 3.4 m/s. Design choice."""
NO_PLATE = "no force plate says which of the two is right"
NO_FITDECODE = "reading the FIT file needs the extra `validate` (fitdecode)"


def streamed(bench: Workbench) -> list[Row]:
    """Strides against a hand count; cadence, contact time, distance and speed against Stryd; nothing at rest."""
    run = bench.test_run()
    return [_counted(run), _at_rest(bench), *_beside_stryd(bench, run)]


def _counted(run: Analysis) -> Row:
    n = len(run.strides)
    off = 100.0 * (n / HAND_COUNT - 1.0)
    target = Target(score_min=-1.0, score_max=1.0, words="within 1 %")
    note = f"{n} found, {HAND_COUNT} by hand; {sum(s.gap for s in run.strides)} of them touch a gap"
    return scored("streamed run", "strides counted", RUN, "%", HAND_COUNT, off, "off by", target, note=note)


def _at_rest(bench: Workbench) -> Row:
    still = analyse(left=read_wearable_my_foot(bench.data / datasets.STILL))
    given = still.summary["inputs"]["left"]
    note = f"{given['backward_steps']} backward steps and {given['repeats']} repeats in its rows"
    target = Target(score_max=0.0, words="none")
    return scored(
        "streamed run",
        "strides invented",
        STILL,
        "",
        given["rows"],
        float(len(still.strides)),
        "strides",
        target,
        note=note,
    )


@dataclass(frozen=True, slots=True)
class _Seconds:
    """Strides of the run placed on Stryd's time, with what Stryd says second by second."""

    strides: tuple[Stride, ...]
    begun_s: FloatArray
    stryd: Seconds

    def both(
        self, value: Callable[[Stride], float | None], other: FloatArray, window_s: float
    ) -> list[tuple[float, float]]:
        """For every second with a value of Stryd's: the mean of the strides around it, and that."""
        middle_s = self.begun_s + np.array([(s.stride_time_s or 0.0) / 2 for s in self.strides])
        moving = self.stryd.t_s[self.stryd.cadence_spm > 0.0]
        out = []
        for now_s, theirs in zip(self.stryd.t_s, other, strict=True):
            here = np.abs(middle_s - now_s) <= window_s / 2
            said = [value(s) for s, near in zip(self.strides, here, strict=True) if near and s.activity is Activity.RUN]
            known = [v for v in said if v is not None]
            if known and theirs > 0.0 and moving[0] + SETTLED_S <= now_s <= moving[-1] - SETTLED_S:
                out.append((float(np.mean(known)), float(theirs)))
        return out


MEAN_S = 5.0
"""How long a running mean Stryd tells: its records are a second apart, and each of its contact times in five other runs
is the mean of five (`told_over` measures it; nothing of sensord's is looked at). So a mean is the like for like. Its
middle is laid on Stryd's second, because the two recordings were laid beside each other by cadence in that way (the
data folder)."""
ALIKE = f"a mean of {MEAN_S:g} s, as Stryd's own is"
UNLIKE = f"Stryd's own is a mean of {MEAN_S:g} s: what single strides scatter by is left in the difference"
WINDOWS: dict[str, tuple[float, float, str]] = {
    # how long a mean, the least confidence of a stride in it, and what is to be known
    "each second's own strides": (1.0, 0.0, UNLIKE),
    f"mean of {MEAN_S:g} s": (MEAN_S, 0.0, ALIKE),
    f"mean of {MEAN_S:g} s, trusted strides": (MEAN_S, GOOD_CONFIDENCE, ALIKE),
}
SETTLED_S = 5.0
"""Design choice: Stryd's first and last seconds of running are left out; its mean is still filling (it says 0.64 s)."""


def _beside_stryd(bench: Workbench, run: Analysis) -> list[Row]:
    named = ("cadence beside Stryd", "contact time beside Stryd", "distance beside Stryd", "speed beside Stryd")
    if not can_read():
        return [absent("streamed run", what, RUN, "", Verdict.NOT_MEASURED, NO_FITDECODE) for what in named]
    stryd = read_seconds(bench.data / datasets.STRYD)
    start_ns = run.recordings[run.strides[0].foot].blocks[0].t_pod_ns[0]
    begun_s = np.array([(s.ic_pod_ns - start_ns) / NS for s in run.strides]) + STRYD_AHEAD_S
    seconds = _Seconds(run.strides, begun_s, stryd)
    return [
        *_cadence(seconds),
        *_contact_time(seconds),
        told_over(bench.data),
        *_distance(run, begun_s, stryd),
        *_speed(seconds),
    ]


def _cadence(seconds: _Seconds) -> list[Row]:
    both = seconds.both(lambda s: s.cadence_spm, seconds.stryd.cadence_spm, MEAN_S)
    what, reach = "cadence within 1 % of Stryd", Target(words="≤ 1 %")
    return [
        _relative("cadence beside Stryd, per second", both, CLOCKS),
        absent("streamed run", what, RUN, "%", Verdict.CANNOT, CLOCKS, reach),
    ]


def _contact_time(seconds: _Seconds) -> list[Row]:
    stance = seconds.stryd.contact_time_s
    running = np.where((stance >= CONTACT_S[0]) & (stance <= CONTACT_S[1]), stance, 0.0)
    rows = []
    for words, (window_s, least, note) in WINDOWS.items():

        def told(stride: Stride, least: float = least) -> float | None:
            return stride.contact_time_s if stride.confidence >= least else None

        both = seconds.both(told, running, window_s)
        errors, true = [1000.0 * (a - b) for a, b in both], [1000.0 * b for _, b in both]
        what = f"contact time beside Stryd, per second, {words}"
        rows.append(
            compared("streamed run", what, RUN, "ms", errors, true, Target(sd=10.0), note=f"{note}; {NO_PLATE}")
        )
    return rows


def told_over(data: Path) -> Row:
    """How many records make one of Stryd's contact times, by its other runs alone."""
    what, on = "records in one of Stryd's contact times", On("five other runs of the Stryd pod", Kind.PROCESSED)
    this = data / datasets.STRYD
    others = [path for path in sorted(this.parent.glob("*.fit")) if path != this]
    stretches = [part for path in others for part in _running_parts(read_seconds(path).contact_time_s)]
    found = mean_of_records(stretches)
    n = sum(len(part) for part in stretches)
    score = None if found is None else float(found)
    reason = "" if found is not None else "no running mean shows"
    return scored("streamed run", what, on, "", n, score, "records", note="one record a second", reason=reason)


def _running_parts(stance_s: FloatArray) -> list[FloatArray]:
    """Contact times of unbroken running, without the seconds in which a mean fills."""
    running = np.flatnonzero((stance_s >= CONTACT_S[0]) & (stance_s <= CONTACT_S[1]))
    settled = round(SETTLED_S)
    parts = np.split(running, np.flatnonzero(np.diff(running) > 1) + 1)
    return [stance_s[part[settled:-settled]] for part in parts]


def two_devices(bench: Workbench) -> list[Row]:
    """What two commercial devices differ by, on another run: the measure of the target above."""
    what, on = "contact time, two commercial devices", On("Garmin beside Stryd, treadmill", Kind.PROCESSED)
    if not can_read():
        return [absent("streamed run", what, on, "ms", Verdict.NOT_MEASURED, NO_FITDECODE)]
    _, table = read_records(bench.data / datasets.TWO_DEVICES, ("stance_time", "Ground Time"))
    running = ((table > 1000.0 * CONTACT_S[0]) & (table < 1000.0 * CONTACT_S[1])).all(axis=1)
    garmin, stryd = table[running].T
    note = "seconds in which both have a value; no sensord in it"
    return [compared("streamed run", what, on, "ms", garmin - stryd, stryd, note=note)]


def _distance(run: Analysis, begun_s: FloatArray, stryd: Seconds) -> list[Row]:
    """Distance against Stryd's: as told to anybody, and in the second half by who knew Stryd's speed in the first."""
    whole = Target(score_min=-4.0, score_max=4.0, words="within 4 %")
    half = Target(score_min=-2.0, score_max=2.0, words="within 2 %")
    middle = len(run.strides) // 2
    ahead_ns = run.strides[0].ic_pod_ns - int(begun_s[0] * NS)
    speeds = [(int(t * NS) + ahead_ns, float(v)) for t, v in zip(stryd.t_s, stryd.speed_mps, strict=True) if v > 0.0]
    until_ns = run.strides[middle].ic_pod_ns
    taught = taught_strides(run.strides, speeds, until_ns, sd_mps=STRYD_SD_MPS, source="rsc")
    later = begun_s[middle:]
    return [
        _distance_row("distance", run.strides, begun_s, stryd, whole),
        _distance_row("distance, second half", run.strides[middle:], later, stryd, None),
        _distance_row("distance, second half, personalised on the first", taught[middle:], later, stryd, half),
    ]


def _distance_row(
    what: str, strides: Sequence[Stride], begun_s: FloatArray, stryd: Seconds, target: Target | None
) -> Row:
    """Lengths added up, strides without one at the mean pace of the rest, from the first contact to the last."""
    known = [s for s in strides if s.stride_length_m is not None and s.stride_time_s]
    if not known:
        return absent("streamed run", what, RUN, "%", Verdict.NOT_MEASURED, "no stride has this value", target)
    span_s = float(begun_s[-1] - begun_s[0]) + (strides[-1].stride_time_s or 0.0)
    timed_s = sum(s.stride_time_s or 0.0 for s in known)
    said_m = sum(s.stride_length_m or 0.0 for s in known) * span_s / timed_s
    true_m = float(np.diff(np.interp([begun_s[0], begun_s[0] + span_s], stryd.t_s, stryd.distance_m))[0])
    sources = Counter(s.speed_source for s in known)
    words = ", ".join(f"{n} {source}" for source, n in sorted(sources.items(), key=str))
    gaps = f"{max(span_s - timed_s, 0.0):.0f} s at the mean pace"
    note = f"{said_m:.0f} m, Stryd {true_m:.0f} m; strides by source: {words}; {gaps}"
    off = 100.0 * (said_m / true_m - 1.0)
    return scored("streamed run", what, RUN, "%", len(known), off, "off by", target, note=note)


def _speed(seconds: _Seconds) -> list[Row]:
    both = seconds.both(lambda s: s.speed_mps, seconds.stryd.speed_mps, MEAN_S)
    return [_relative("speed beside Stryd, per second", both)] if both else []


def _relative(what: str, both: list[tuple[float, float]], note: str = "") -> Row:
    """Errors in per cent of what Stryd says; the constant is Stryd's own mean."""
    errors = [100.0 * (a / b - 1.0) for a, b in both]
    mean = float(np.mean([b for _, b in both])) if both else 0.0
    return compared("streamed run", what, RUN, "%", errors, [100.0 * (mean / b - 1.0) for _, b in both], note=note)
