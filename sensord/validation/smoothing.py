"""Over how many of its records the value of another device is a running mean: told by its own records, by nothing else.

A running mean over n records lets one new value in and the value of n records before out. What scatters from value to
value therefore comes back with the other sign n records later, and the correlation of the records' changes is negative
there. Changes of pace would hide it; the second difference takes them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from sensord.model import FloatArray

LONGEST = 12
"""Design choice: longer means than this many records are not looked for."""

CHANCE = 4.0
"""Design choice, times 1 / sqrt(records): values that are no means, the lowest of whose eleven correlations is taken,
seem to be some in one of a hundred records of 400 values."""

SHORTEST_STRETCH = 2 * LONGEST
"""Design choice: stretches of fewer records say nothing."""


def mean_of_records(stretches: Sequence[FloatArray]) -> int | None:
    """How many records (2 to 12) make one value of these stretches (n,) each; None when no such mean shows.

    It shows when the correlation at that distance is the lowest, and well below what chance makes it (`CHANCE`).
    """
    weights, correlations = [], []
    for values in stretches:
        if len(values) < SHORTEST_STRETCH:
            continue
        change = np.diff(values, 2)
        size = float(np.einsum("n,n->", change, change))
        if size > 0.0:
            lagged = [float(np.einsum("n,n->", change[k:], change[:-k])) / size for k in range(2, LONGEST + 1)]
            correlations.append(lagged)
            weights.append(float(len(change)))
    if not weights:
        return None
    pooled = np.average(correlations, axis=0, weights=weights)
    lowest = int(pooled.argmin())
    return 2 + lowest if pooled[lowest] < -CHANCE / sqrt(sum(weights)) else None
