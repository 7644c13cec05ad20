"""Workouts made by hypothesis: any that the language can say, within what a text may hold."""

from __future__ import annotations

from hypothesis import strategies as st

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M
from sensord.plan.workout import Amount, Item, Kind, Measure, Quantity, Repeat, Segment, Until, Workout

HIGHEST = {"s": 3600, "min": 300, "h": 12, "m": 9000, "km": 100, "mi": 60, "yd": 9000}
MODS = st.sampled_from(
    [(), ("easy",), ("hard", "rpe3-4"), ("warmup",), ("bw55-60",), ("talk1-2", "3.5mph"), ("8:30/mi",), ("50%usual",)]
)


@st.composite
def measures(draw: st.DrawFn, quantity: Quantity) -> Measure:
    units = DURATION_UNITS_S if quantity is Quantity.TIME else LENGTH_UNITS_M
    unit = draw(st.sampled_from([*units]))
    decimals = draw(st.integers(0, 6))
    whole, part = draw(st.integers(0, HIGHEST[unit] - 1)), draw(st.integers(1, 10**decimals))
    low = f"{whole}.{part:0{decimals}d}" if 0 < part < 10**decimals else f"{whole + 1}"
    high = f"{float(low) * draw(st.sampled_from([1, 1, 1.5, 2])):.6f}"
    return Measure(quantity, float(low) * units[unit], max(float(low), float(high)) * units[unit], unit)


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
