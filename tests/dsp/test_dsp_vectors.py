"""Plain-float vectors against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.dsp.vectors import cross, dot, length, matrix, mean_of, plus, rotated, rotated_back, scaled, vector

numbers = st.floats(-1e3, 1e3)
vectors = st.tuples(numbers, numbers, numbers)


@settings(max_examples=30, deadline=None)
@given(vectors, vectors, numbers)
def test_they_are_numpys(a: tuple[float, float, float], b: tuple[float, float, float], k: float) -> None:
    p, q = np.array(a), np.array(b)
    assert vector(p) == a
    assert dot(a, b) == pytest.approx(np.dot(p, q), abs=1e-6)
    assert length(a) == pytest.approx(np.linalg.norm(p))
    assert scaled(a, k) == pytest.approx(p * k)
    assert plus(a, b, k) == pytest.approx(p + k * q)
    assert cross(a, b) == pytest.approx(np.cross(p, q), abs=1e-6)
    assert mean_of(np.stack((p, q, p))) == pytest.approx((2 * p + q) / 3, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(vectors, st.integers(0, 2**32 - 1))
def test_a_rotation_and_its_inverse(a: tuple[float, float, float], seed: int) -> None:
    by = Rotation.random(rng=np.random.default_rng(seed))
    turned = rotated(matrix(by.as_matrix()), a)
    assert turned == pytest.approx(by.apply(a), abs=1e-9)
    assert rotated_back(matrix(by.as_matrix()), turned) == pytest.approx(a, abs=1e-9)
