"""Events as InfluxDB line protocol: one table of measurements, tags and field types, and the escaping.

A point is `measurement,tag=value field=value,... time`. The table below is the whole schema; a field has one type
everywhere and always, because InfluxDB refuses a field whose type changes. `None` is left out, never written as 0.

Time is the run's wall anchor + run time, cut to microseconds, with the event's number modulo 1000 in the three digits
below. InfluxDB keeps one point per measurement, tag set and time and silently overwrites the older one; several
strides of a foot can leave the pipeline at the same run time (after a gap, in one packet). With the number in the
nanoseconds two events of a run meet only if a thousand events of the run fall into one microsecond; sent again, an
event is the same point again. The exact values are in the fields `t_ns` and `event_n`.

Syntax: InfluxDB line protocol reference (docs.influxdata.com, "Line protocol"), checked by reading back from a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sensord.errors import Refused
from sensord.model import Json, StoredEvent

RUN_TAGS = ("algo", "run", "runner", "site")
"""On every point, from the run."""

MOST_BINS = 13
"""One more than the edges a plan may have (`plan.model.LoadSection`)."""

WORDS: type[tuple[str, ...]] = tuple
"""Field type of a list of words: a string, joined by commas."""

_FOOT_GAIT: Mapping[str, type] = {
    "n": int,
    "cadence_spm": float,
    "contact_time_s": float,
    "contact_n": int,
    "impact_peak_g": float,
    "impact_clipped_share": float,
    "confidence": float,
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One InfluxDB measurement as one kind of event fills it: the tags beside `RUN_TAGS`, the types of its fields."""

    name: str
    tags: tuple[str, ...]
    fields: Mapping[str, type]


MEASUREMENTS: Mapping[str, Measurement] = {
    "stride": Measurement(
        "stride",
        ("foot",),
        {
            "stride": int,
            "segment": int,
            "ic_pod_ns": int,
            "tc_pod_ns": int,
            "next_ic_pod_ns": int,
            "ic_run_ns": int,
            "next_ic_run_ns": int,
            "activity": str,
            "stride_time_s": float,
            "contact_time_s": float,
            "swing_time_s": float,
            "duty_factor": float,
            "cadence_spm": float,
            "stride_length_m": float,
            "speed_mps": float,
            "strike_angle_deg": float,
            "strike_type": str,
            "impact_peak_g": float,
            "impact_clipped": bool,
            "force_peak_bw": float,
            "impulse_bw_s": float,
            "gap": bool,
            "confidence": float,
            "spoiled": WORDS,
            "contact_time_raw_s": float,
            "trajectory_length_m": float,
            "swing_peak_radps": float,
            "turn_deg": float,
            "speed_sd_mps": float,
            "speed_source": str,
            "strike_rearfoot_p": float,
            "strike_midfoot_p": float,
            "strike_forefoot_p": float,
            "eversion_excursion_deg": float,
            "eversion_peak_dps": float,
            "impact_source": str,
            "impact_band_g": float,
            "force_mean_bw": float,
            "force_peak_sine_bw": float,
            "step_time_s": float,
            "flight_time_s": float,
        },
    ),
    # One event makes three points: foot=left, foot=right (the fields of one foot) and foot=both (the others).
    "gait": Measurement(
        "gait",
        ("foot",),
        {
            "window_s": float,
            "activity": str,
            "steps": int,
            "distance_m": float,
            "distance_calibrated": bool,
            "run_time_s": float,
            "walk_time_s": float,
            "elapsed_s": float,
            "flight_time_s": float,
            "step_time_left_s": float,
            "step_time_right_s": float,
            "flight_time_left_s": float,
            "flight_time_right_s": float,
            "sync_quality_ms": float,
            "run_distance_m": float,
            "speed_mps": float,
            "speed_sd_mps": float,
            "speed_source": str,
            "distance_sd_m": float,
            "estimated_m": float,
            "configured_m": float,
            "heart_rate_bpm": float,
            "power_w": float,
            **_FOOT_GAIT,
        },
    ),
    "asymmetry": Measurement(
        "asymmetry",
        ("metric",),
        {
            "si_pct": float,
            "si_low_pct": float,
            "si_high_pct": float,
            "balance_pct": float,
            "injured_minus_other_pct": float,
            "n": int,
            "unit": str,
            "difference": float,
            "difference_low": float,
            "difference_high": float,
            "left": float,
            "right": float,
            "value_unit": str,
            "mdc": float,
            "mdc_from": str,
            "baseline": float,
            "baseline_runs": int,
            "baseline_label": str,
            "baseline_left": float,
            "baseline_right": float,
            "device_bias": float,
            "speed_band": str,
            "why": str,
            "se": float,
            "latest": float,
            "latest_n": int,
        },
    ),
    "limit_state": Measurement(
        "limit_state",
        ("rule", "metric"),
        {
            "unit": str,
            "status": str,
            "level": str,
            "value": float,
            "warn": float,
            "stop": float,
            "n": int,
            "n_needed": int,
            "reason": str,
        },
    ),
    "alert": Measurement(
        "alert",
        ("rule", "metric"),
        {
            "id": str,
            "phase": str,
            "level": str,
            "unit": str,
            "value": float,
            "limit": float,
            "cue": str,
            "text": str,
            "onset_ns": int,
            "duration_s": float,
        },
    ),
    "run": Measurement("run", (), {"state": str, "reason": str}),
    # What a run came to stands in the same measurement; its `runner` is already a tag.
    "summary": Measurement(
        "run",
        (),
        {
            "strides_left": int,
            "strides_right": int,
            "steps": int,
            "distance_m": float,
            "distance_calibrated": bool,
            "run_time_s": float,
            "walk_time_s": float,
            "elapsed_s": float,
            "cadence_spm": float,
            "contact_time_left_s": float,
            "contact_time_right_s": float,
            "contact_time_si_pct": float,
            "contact_time_pairs": int,
            "impact_left_g": float,
            "impact_right_g": float,
            "impact_n_left": int,
            "impact_n_right": int,
            "impact_clipped_share": float,
            "alerts": int,
            "limits_checked": int,
            "limits_total": int,
            "gap_strides": int,
            "speed_mps": float,
            "speed_band": str,
            "shoe": str,
            "surface": str,
            "mount": str,
            "injured": bool,
            "distance_sd_m": float,
            "estimated_m": float,
            "configured_m": float,
            "heart_rate_bpm": float,
        },
    ),
    "pod": Measurement(
        "pod",
        ("foot",),
        {
            "pod": str,
            "link": str,
            "reason": str,
            "battery_pct": int,
            "packets": int,
            "packets_rejected": int,
            "samples": int,
            "samples_lost": int,
        },
    ),
    # The table of bins becomes a field each, `bin_0` below the first edge; the edges are one text.
    "load": Measurement(
        "load",
        ("foot",),
        {
            "strides": int,
            "walk_strides": int,
            "force_n": int,
            "force_peak_sum_bw": float,
            "without_force": int,
            "impulse_n": int,
            "impulse_sum_bw_s": float,
            "impulse_sum_ns": float,
            "intensity": str,
            "edges": str,
            **{f"bin_{number}": int for number in range(MOST_BINS)},
            "unbinned": int,
            "weighted_cycles": float,
            "exponent": float,
            "exponent_source": str,
            "reference_bw": float,
            "why": str,
        },
    ),
    "note": Measurement("note", ("foot",), {"code": str, "text": str}),
    "workout": Measurement(
        "workout",
        (),
        {
            "position": int,
            "kind": str,
            "doing": str,
            "repetition": int,
            "of": int,
            "left_s": float,
            "left_m": float,
            "left_sd_m": float,
            "over_s": float,
            "over_m": float,
            "next_kind": str,
            "next_s": float,
            "next_m": float,
            "may_end": bool,
            "done_pct": float,
            "reps_done": int,
            "estimated": bool,
            "mods": WORDS,
            "cue": str,
            "text": str,
        },
    ),
    "interval": Measurement(
        "interval",
        (),
        {
            "position": int,
            "kind": str,
            "repetition": int,
            "of": int,
            "optional": bool,
            "planned_s": float,
            "planned_m": float,
            "least_s": float,
            "least_m": float,
            "done_s": float,
            "done_m": float,
            "done_sd_m": float,
            "begin_run_ns": int,
            "end_run_ns": int,
            "quality": str,
            "estimated_pct": float,
        },
    ),
    # Its intervals are points of their own already.
    "workout_done": Measurement(
        "workout_done",
        (),
        {
            "done_pct": float,
            "reps_done": int,
            "reps_fewest": int,
            "reps_most": int,
            "success_reps": int,
            "success": bool,
            "short": int,
            "merged": int,
            "missed": int,
            "extra": int,
            "run_planned_s": float,
            "run_planned_m": float,
            "run_done_s": float,
            "run_done_m": float,
            "over_s": float,
            "estimated_pct": float,
            "completed": bool,
        },
    ),
}
"""Every kind of event, and where it goes."""

NESTED = ("pods", "metrics", "bands", "impact", "speed_model", "workout", "day", "measured", "intervals")
"""Parts of a summary that are tables of their own: the store has them, a point does not."""

INT64_MAX = 2**63 - 1


def lines_of(event: StoredEvent) -> list[str]:
    """The lines of one event (three for `gait`, else one).

    Raises `Refused` naming the value for an unknown kind or field, a value of the wrong type, or a tag InfluxDB
    cannot hold; the run's wall anchor must be known.
    """
    if event.wall_anchor_ns is None:
        raise Refused(f"run {event.run} has no wall time yet")
    measurement = MEASUREMENTS.get(event.kind)
    if measurement is None:
        raise Refused(f"event kind {event.kind!r} is not known")
    time_ns = point_time_ns(event.wall_anchor_ns, event.t_ns, event.n)
    if abs(time_ns) > INT64_MAX:
        raise Refused(f"{event.kind}: time {time_ns} ns is beyond what can be stored")
    head = {"algo": event.algo, "run": event.run, "runner": event.runner, "site": event.site}
    times = {"t_ns": event.t_ns, "event_n": event.n}
    return [
        f"{measurement.name}{_tags(measurement, head, row)} {_fields(measurement, row, times)} {time_ns}"
        for row in _rows(event)
    ]


def point_time_ns(wall_anchor_ns: int, t_ns: int, n: int) -> int:
    """The time of a point in ns since 1970: exact to 1 µs, and different for every event of a run (see the module)."""
    return (wall_anchor_ns + t_ns) // 1000 * 1000 + n % 1000


def _rows(event: StoredEvent) -> Iterator[Mapping[str, Json]]:
    """The payload as flat rows, one for each point."""
    payload = event.payload
    if event.kind in ("summary", "workout_done"):
        yield {key: value for key, value in payload.items() if key != "runner" and key not in NESTED}
    elif event.kind == "gait":
        both = {key: value for key, value in payload.items() if key not in ("left", "right")}
        window_s = payload.get("window_s")
        for foot in ("left", "right"):
            one = payload.get(foot)
            if not isinstance(one, Mapping):
                raise Refused(f"gait.{foot}: found {one!r}, expected the values of one foot")
            yield {"foot": foot, "window_s": window_s, **one}
        yield {"foot": "both", **both}
    elif event.kind == "load":
        bins = {f"bin_{number}": count for number, count in enumerate(payload.get("bins") or ())}
        edges = ",".join(f"{edge:g}" for edge in payload.get("edges") or ())
        yield {**{key: value for key, value in payload.items() if key != "bins"}, "edges": edges or None, **bins}
    else:
        yield payload


def _tags(measurement: Measurement, head: Mapping[str, str], row: Mapping[str, Json]) -> str:
    values = dict(head)
    values.update({key: row[key] for key in measurement.tags if row.get(key) is not None})
    return "".join(f",{key}={_tag(measurement.name, key, values[key])}" for key in sorted(values))


def _tag(measurement: str, key: str, value: Json) -> str:
    if not isinstance(value, str) or not value or "\\" in value or not value.isprintable():
        expected = "visible characters without a backslash"
        raise Refused(f"{measurement}.{key}: found {value!r}, expected {expected}")
    return value.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def _fields(measurement: Measurement, row: Mapping[str, Json], times: Mapping[str, int]) -> str:
    parts = [f"{key}={value}i" for key, value in times.items()]
    for key, value in row.items():
        if value is None or key in measurement.tags:
            continue
        wanted = measurement.fields.get(key)
        if wanted is None:
            raise Refused(f"{measurement.name}.{key}: this field is not known")
        parts.append(f"{key}={_field(measurement.name, key, wanted, value)}")
    return ",".join(parts)


def _field(measurement: str, key: str, wanted: type, value: Json) -> str:
    if wanted is bool and isinstance(value, bool):
        return "true" if value else "false"
    if wanted is int and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX:
        return f"{value}i"
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    if wanted is WORDS and isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return _quoted(",".join(value))
    if wanted is str and isinstance(value, str):
        return _quoted(value)
    kind = "words" if wanted is WORDS else wanted.__name__
    raise Refused(f"{measurement}.{key}: found {value!r}, expected {kind}")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
