"""The uniform grid: bits kept, gaps bridged or broken, cuts without effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.dsp.grid import GridPiece, UniformGrid
from sensord.errors import InternalError

RATE = 200.0


def run(t_ns: np.ndarray, values: np.ndarray, sizes: list[int], rate: float = RATE) -> list[GridPiece]:
    grid = UniformGrid(rate)
    pieces, start, i = [], 0, 0
    while start < len(t_ns):
        size = sizes[i % len(sizes)]
        pieces += grid.push(t_ns[start : start + size], values[start : start + size])
        start, i = start + size, i + 1
    return pieces


def stretches(pieces: list[GridPiece]) -> list[tuple[int, bytes, bytes]]:
    """Pieces joined to stretches, as bytes: what must not depend on the cut."""
    joined: list[tuple[int, list[np.ndarray], list[np.ndarray]]] = []
    for piece in pieces:
        if piece.opens:
            joined.append((piece.origin_ns, [], []))
        assert piece.origin_ns == joined[-1][0]
        joined[-1][1].append(piece.values)
        joined[-1][2].append(piece.bridged)
    return [(origin, np.concatenate(v).tobytes(), np.concatenate(b).tobytes()) for origin, v, b in joined]


@pytest.mark.parametrize("rate", [50.0, 104.0, 200.0, 204.8, 833.0])
def test_samples_on_the_grid_keep_their_bits(rate: float) -> None:
    t_ns = 7 + np.rint(np.arange(1000) * 1e9 / rate).astype(np.int64)
    values = np.random.default_rng(0).normal(size=(1000, 6))
    pieces = run(t_ns, values, [10, 1, 33], rate)
    assert np.concatenate([p.values for p in pieces]).tobytes() == values.tobytes()
    assert not any(p.bridged.any() for p in pieces)
    assert [p.opens for p in pieces] == [True] + [False] * (len(pieces) - 1)


def test_between_samples_a_straight_line() -> None:
    t_ns = np.array([0, 4_000_000, 9_000_000, 16_000_000])
    piece = run(t_ns, np.array([[0.0], [4.0], [9.0], [16.0]]), [4])[0]
    assert piece.values[:, 0] == pytest.approx([0.0, 5.0, 10.0, 15.0])
    assert not piece.bridged.any()


def test_a_short_gap_is_bridged_and_says_so() -> None:
    k = np.array([0, 1, 2, 6, 7])
    piece = run(k * 5_000_000, k[:, None].astype(float), [5])[0]
    assert piece.values[:, 0] == pytest.approx(range(8))
    assert piece.bridged.tolist() == [False, False, False, True, True, True, False, False]


def test_a_long_gap_opens_a_new_stretch() -> None:
    k = np.array([0, 1, 2, 40, 41])
    pieces = run(k * 5_000_000 + 3, k[:, None].astype(float), [5])
    assert [(p.origin_ns, p.values[:, 0].tolist(), p.opens) for p in pieces] == [
        (3, [0.0, 1.0, 2.0], True),
        (200_000_003, [40.0, 41.0], True),
    ]


def test_time_that_goes_back_is_a_bug_and_says_so() -> None:
    grid = UniformGrid(RATE)
    grid.push(np.array([0, 5_000_000]), np.zeros((2, 6)))
    with pytest.raises(InternalError, match="back in time"):
        grid.push(np.array([5_000_000]), np.zeros((1, 6)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([10_000, 4_000_000, 4_990_000, 5_000_000, 5_010_000, 7_000_000, 60_000_000, 400_000_000])),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.integers(-(10**15), 10**15),
)
def test_cuts_and_a_time_shift_change_no_bit(steps: list[int], sizes: list[int], shift: int) -> None:
    t_ns = np.cumsum([0, *steps]).astype(np.int64)
    values = np.random.default_rng(len(steps)).normal(size=(len(t_ns), 6))
    whole = stretches(run(t_ns, values, [len(t_ns)]))
    assert stretches(run(t_ns, values, sizes)) == whole
    shifted = stretches(run(t_ns + shift, values, sizes))
    assert [(origin - shift, v, b) for origin, v, b in shifted] == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([10_000, 3_300_000, 4_990_000, 5_000_000, 5_070_000, 11_000_000, 60_000_000])))
def test_few_samples_one_by_one_give_the_bits_of_many_at_once(steps: list[int]) -> None:
    t_ns = np.cumsum([0, *steps]).astype(np.int64)
    values = np.random.default_rng(len(steps)).normal(size=(len(t_ns), 6))
    one_by_one = stretches(run(t_ns, values, [3]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sensord.dsp.grid.FEW", 0)
        assert stretches(run(t_ns, values, [len(t_ns)])) == one_by_one
