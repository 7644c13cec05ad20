"""Copies and JSON values of payloads: the same as the plain way, which is slower."""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields, replace

import numpy as np
import pytest

from sensord.model import FootNote, RunChange, RunState, Side, Stride, changed, maker, payload
from tests.load.made_strides import a_stride


def test_a_changed_copy_is_what_replace_gives() -> None:
    one = a_stride(Side.LEFT, 1.0)
    assert changed(one, confidence=0.25, spoiled=("gap",)) == replace(one, confidence=0.25, spoiled=("gap",))
    assert changed(one) == one
    assert changed(one) is not one
    assert one.confidence != 0.25
    with pytest.raises(FrozenInstanceError):
        changed(one).confidence = 0.5  # type: ignore[misc]
    with pytest.raises(KeyError):
        changed(one, no_such_field=1)


def test_what_is_made_cheaply_is_what_the_class_makes() -> None:
    make, plain = maker(FootNote), FootNote(Side.LEFT, "aligned", text="found")
    made = make(Side.LEFT, "aligned", text="found")
    assert made == plain
    assert type(made) is FootNote
    with pytest.raises(FrozenInstanceError):
        made.text = "lost"  # type: ignore[misc]
    with pytest.raises(TypeError):
        make(Side.LEFT)  # type: ignore[call-arg]
    one = a_stride(Side.LEFT, 1.0)
    named = {f.name: getattr(one, f.name) for f in fields(one) if f.default is MISSING}
    assert maker(Stride)(**named) == Stride(**named)


def test_payloads_are_plain_json_values() -> None:
    one = a_stride(Side.RIGHT, 2.0)
    values = payload(one)
    assert list(values) == [f.name for f in fields(one)]
    assert (type(values["foot"]), values["foot"], values["spoiled"]) == (str, "right", [])
    assert payload(RunChange(RunState.ENDED, "command")) == {"state": "ended", "reason": "command"}
    assert payload(FootNote(None, "note", "x")) == {"foot": None, "code": "note", "text": "x"}
    plain = payload({"a": np.float64(1.5), "b": (np.int64(2), True), 3: None})
    assert plain == {"a": 1.5, "b": [2, True], "3": None}
    assert [type(v) for v in (plain["a"], *plain["b"])] == [float, int, bool]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), np.float32("inf")])
def test_what_was_not_measured_is_no_number(value: float) -> None:
    with pytest.raises(ValueError, match="unmeasured"):
        payload({"x": [value]})
