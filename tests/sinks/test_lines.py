"""The table of measurements against the vocabulary it must hold, and what is refused."""

from __future__ import annotations

import types
import typing
from dataclasses import replace
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import Refused
from sensord.load.foot_load import FootLoad
from sensord.model import NS, FootGait, FootLoadState, FootNote, GaitWindow, Payload, RunSummary, Side
from sensord.model_plan import WorkoutDone
from sensord.plan.model import LoadSection
from sensord.sinks.lines import MEASUREMENTS, MOST_BINS, NESTED, RUN_TAGS, WORDS, lines_of, point_time_ns
from tests.sinks.made_events import ANCHOR_NS, a_limit, a_run, a_stride, a_window, stored

CLASSES = {cls.KIND: cls for cls in get_args(Payload)}
STRIDE = stored(1, 5, a_stride(Side.LEFT, 0, 1.0))


def _column_type(hint: Any) -> type:
    """What a payload field becomes: None aside, enums are words."""
    if isinstance(hint, types.UnionType) or get_origin(hint) is typing.Union:
        (hint,) = [arg for arg in get_args(hint) if arg is not type(None)]
    if get_origin(hint) is tuple:
        return WORDS
    return str if issubclass(hint, StrEnum) else hint


def test_every_kind_of_event_has_a_measurement() -> None:
    assert set(MEASUREMENTS) == set(CLASSES)


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_the_table_is_the_vocabulary(kind: str) -> None:
    """A field added to a payload class without a line in the table fails here, not at a runner's."""
    cls = CLASSES[kind]
    wanted = {name: _column_type(hint) for name, hint in get_type_hints(cls).items() if not name.isupper() and not (
        cls is GaitWindow and name in ("left", "right"))}  # fmt: skip
    if cls is GaitWindow:
        wanted |= {name: _column_type(hint) for name, hint in get_type_hints(FootGait).items()}
        wanted["foot"] = str
    if cls is RunSummary:
        assert wanted.pop("runner") is str  # already a tag
    if cls in (RunSummary, WorkoutDone):
        wanted = {name: kind for name, kind in wanted.items() if name not in NESTED}
    if cls is FootLoadState:
        assert wanted.pop("bins") is tuple
        wanted |= {"edges": str} | {f"bin_{number}": int for number in range(MOST_BINS)}
    table = {**MEASUREMENTS[kind].fields, **dict.fromkeys(MEASUREMENTS[kind].tags, str)}
    assert table == wanted


def test_no_field_is_called_like_a_tag_and_no_name_means_two_types() -> None:
    names: dict[tuple[str, str], type] = {}
    for measurement in MEASUREMENTS.values():
        tags = {*RUN_TAGS, *measurement.tags, "time"}
        fields = {"t_ns": int, "event_n": int, **measurement.fields}
        assert not tags & set(fields)
        for field, kind in fields.items():
            assert names.setdefault((measurement.name, field), kind) is kind


def test_one_line_as_it_is_written() -> None:
    note = stored(4, 1_234_567_890, FootNote(Side.LEFT, "moved", 'a "b"\\, c\nd'), site="a b,c=d")
    (line,) = lines_of(note)
    assert line == (
        r"note,algo=1,foot=left,run=01JAC0FFEE0000000000000001,runner=runner-1,site=a\ b\,c\=d "
        't_ns=1234567890i,event_n=3i,code="moved",text="a \\"b\\"\\\\, c\nd" 1760000001358024003'
    )


def test_bins_are_a_field_each_and_their_edges_one_text() -> None:
    load = FootLoad(LoadSection(edges=[1.5, 2.25]))
    load.add(replace(a_stride(Side.LEFT, 0, 1.0), force_peak_bw=2.0))
    (line,) = lines_of(stored(1, NS, load.payload(Side.LEFT)))
    assert line.startswith("load,algo=1,foot=left,")
    assert ',edges="1.5,2.25",' in line
    assert "bin_0=0i,bin_1=1i,bin_2=0i" in line
    assert "bin_3" not in line


def test_a_window_is_three_points_and_what_was_not_measured_is_absent() -> None:
    left, right, both = lines_of(stored(1, NS, a_window(7)))
    assert ",foot=left," in left
    assert ",foot=right," in right
    assert "cadence_spm" not in right
    assert "contact_time_s=0.24," in right
    assert ",foot=both," in both
    assert "cadence_spm=171.5," in both
    assert "contact_time_s" not in both


def test_a_whole_number_in_a_float_field_stays_a_float() -> None:
    (line,) = lines_of(replace(STRIDE, payload={**STRIDE.payload, "contact_time_s": 1}))
    assert ",contact_time_s=1.0," in line


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=40), st.integers(0, 10**6), st.integers(0, 999_999))
@settings(max_examples=200, deadline=None)
def test_no_two_events_of_a_run_share_a_point(steps: list[int], first_n: int, anchor_ns: int) -> None:
    """However close their run times: here they repeat and lie within nanoseconds, forwards and back."""
    times = [point_time_ns(anchor_ns, t_ns, first_n + i) for i, t_ns in enumerate(steps)]
    assert len(set(times)) == len(times)
    for t_ns, time_ns in zip(steps, times, strict=True):
        assert abs(time_ns - anchor_ns - t_ns) < 1000


def test_all_points_of_a_run_are_different_and_the_same_when_made_again() -> None:
    events = a_run(60)
    heads = [line.partition(" ")[0] + line.rpartition(" ")[2] for event in events for line in lines_of(event)]
    assert len(set(heads)) == len(heads) == len(events) + 2 * sum(event.kind == "gait" for event in events)
    assert [lines_of(event) for event in a_run(60)] == [lines_of(event) for event in events]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"contact_time_s": "0.25"}, r"stride.contact_time_s: found '0.25', expected float"),
        ({"contact_time_s": True}, r"stride.contact_time_s: found True, expected float"),
        ({"stride": 1.5}, r"stride.stride: found 1.5, expected int"),
        ({"stride": 2**63}, r"stride.stride: found 9223372036854775808, expected int"),
        ({"gap": 1}, r"stride.gap: found 1, expected bool"),
        ({"spoiled": "gap"}, r"stride.spoiled: found 'gap', expected words"),
        ({"activity": 3}, r"stride.activity: found 3, expected str"),
        ({"colour": "red"}, r"stride.colour: this field is not known"),
        ({"foot": "left\\"}, r"stride.foot: found .* expected visible characters"),
        ({"foot": ""}, r"stride.foot: found '' expected visible characters"),
        ({"foot": "a\nb"}, r"stride.foot: found .* expected visible characters"),
    ],
)
def test_what_cannot_be_a_point_is_refused_with_its_place(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason.replace("'' ", "'', ")):
        lines_of(replace(STRIDE, payload={**STRIDE.payload, **change}))


def test_other_refusals() -> None:
    with pytest.raises(Refused, match="event kind 'weather' is not known"):
        lines_of(replace(STRIDE, kind="weather"))
    with pytest.raises(Refused, match="no wall time"):
        lines_of(replace(STRIDE, wall_anchor_ns=None))
    with pytest.raises(Refused, match="beyond what can be stored"):
        lines_of(replace(STRIDE, wall_anchor_ns=2**64))
    with pytest.raises(Refused, match=r"gait\.left"):
        lines_of(stored(1, 0, replace(a_window(1), left=None)))  # type: ignore[arg-type]
    assert point_time_ns(ANCHOR_NS, 0, ANCHOR_NS % 1000) == ANCHOR_NS
    assert "limit.distance" in lines_of(stored(1, 0, a_limit("limit.distance", "over", 1.0)))[0]  # type: ignore[arg-type]
