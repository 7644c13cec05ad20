"""A workout as people say it."""

from __future__ import annotations

from collections.abc import Sequence

from sensord.plan.workout_mods import mod_words
from sensord.plan.workout_shape import Amount, Item, Repeat, Segment, Until, Workout
from sensord.plan.workout_text import rendered_amount


def words(workout: Workout) -> str:
    """For people: "3 to 6 times: walk 4 min, run 1 min"."""
    groups: list[str] = []
    plain: list[str] = []
    for item in workout.items:
        if isinstance(item, Segment):
            plain.append(_segment(item))
            continue
        if plain:
            groups.append(", ".join(plain))
            plain = []
        groups.append(_group(item))
    if plain:
        groups.append(", ".join(plain))
    return "; then ".join(groups)


def _group(item: Repeat | Until) -> str:
    return f"{_how_often(item)}: {_inside(item.items)}"


def _how_often(item: Repeat | Until) -> str:
    if isinstance(item, Until):
        amount = amount_words(item.amount)
        return f"for {amount}, over and over" if item.word == "for" else f"over and over until {amount} in all"
    if item.low is None:
        return "as often as the therapist says"
    if item.low == item.high:
        return "once" if item.low == 1 else f"{item.low} times"
    return f"{item.low} to {item.high} times"


def _inside(items: Sequence[Item]) -> str:
    return ", ".join(_segment(item) if isinstance(item, Segment) else f"({_group(item)})" for item in items)


def _segment(segment: Segment) -> str:
    how = [mod_words(mod) for mod in segment.mods]
    if len(segment.amount.alternatives) > 1:
        how.insert(0, "whichever comes first")
    return f"{segment.kind} {amount_words(segment.amount)}" + (f" ({', '.join(how)})" if how else "")


def amount_words(amount: Amount) -> str:
    """For people: "8 to 10 min or 1 mi"."""
    return rendered_amount(amount, to=" to ", space=" ", either=" or ")
