"""Workouts made by hypothesis: any that the language can say, within what a text may hold."""

from __future__ import annotations

from hypothesis import strategies as st

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M
from sensord.plan.workout import Amount, Item, Kind, Measure, Quantity, Repeat, Segment, Until, Workout

HIGHEST = {"s": 3600, "min": 300, "h": 12, "m": 9000, "km": 100, "mi": 60, "yd": 9000}
MODS = st.sampled_from(
    [(), ("easy",), ("hard", "rpe3-4"), ("warmup",), ("bw55-60",), ("talk1-2", "3.5mph"), ("8:30/mi",), ("50%usual",)]
)


UNITS = {Quantity.TIME: DURATION_UNITS_S, Quantity.DISTANCE: LENGTH_UNITS_M}


def _measure(quantity: Quantity, unit: str, part: int, longer: float) -> Measure:
    """Of six decimals at most, for a text can hold no more."""
    low = float(f"{HIGHEST[unit] / part:.6f}") if part < 10**6 else 1e-6
    high = float(f"{low * longer:.6f}")
    factor = UNITS[quantity][unit]
    return Measure(quantity, low * factor, max(low, high) * factor, unit)


def measures(quantity: Quantity) -> st.SearchStrategy[Measure]:
    units, parts = st.sampled_from([*UNITS[quantity]]), st.integers(1, 10**4) | st.just(10**6)
    return st.builds(_measure, st.just(quantity), units, parts, st.sampled_from([1.0, 1.0, 1.5, 2.0]))


amounts = st.one_of(
    measures(Quantity.TIME).map(lambda m: Amount((m,))),
    measures(Quantity.DISTANCE).map(lambda m: Amount((m,))),
    st.tuples(measures(Quantity.TIME), measures(Quantity.DISTANCE)).map(Amount),
    st.tuples(measures(Quantity.DISTANCE), measures(Quantity.TIME)).map(Amount),
)
segments = st.one_of(
    st.builds(Segment, st.sampled_from([Kind.WALK, Kind.RUN]), amounts, MODS),
    st.builds(Segment, st.just(Kind.REST), measures(Quantity.TIME).map(lambda m: Amount((m,)))),
)
counts = st.one_of(
    st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    st.just((None, None)),
)


def _groups(items: st.SearchStrategy[Item]) -> st.SearchStrategy[Item]:
    inner = st.lists(items, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda count, held: Repeat(*count, held), counts, inner),
        st.builds(Until, amounts, inner, st.sampled_from(["until", "for"])),
    )


workouts = st.lists(st.recursive(segments, _groups, max_leaves=6), min_size=1, max_size=4).map(
    lambda items: Workout(tuple(items))
)
"""Some of them are refused: too long, too many steps, a distance over rest alone."""
