"""Where on the pitch rate a walking contact is taken: each reference's best share, and what it says about the other.

`SENSORD_DATA=... python bench/fit_walking.py` sweeps IC_SHARE, TC_SHARE and CUTOFF_HZ of `sensord.dsp.walking` over the
gaitmap sample (optical, one person, 204.8 Hz) and the IPOL walks (set by hand, five people, 100 Hz; without each
foot's first and last), leaves one person out at a time, and prints where the jerk of the impact shows against both.
Six people are a demonstration, not a population.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sensord.dsp import walking
from sensord.errors import SensordError
from sensord.model import NS, FloatArray
from sensord.validation.datasets import gaitmap_walk, ipol_walks
from sensord.validation.statistics import match_events
from sensord.validation.trial import Trial, find

IC_SHARES = [round(0.1 * k, 1) for k in range(10)]
TC_SHARES = [0.3, 0.4, 0.5, 0.6, 0.66, 0.7, 0.8, 0.9]
CUTOFFS_HZ = [8.0, 10.0, 12.0, 15.0, 20.0]
NEAR_S = 0.1
Errors = dict[str, dict[str, FloatArray]]
"""Errors in ms by event ("IC", "TC") and person."""


def trials(data: Path) -> Iterator[tuple[Trial, slice]]:
    """Every walk, with which of a foot's events count: the first and last of the IPOL walks lie on a trial's bounds."""
    yield gaitmap_walk(data), slice(None)
    for walk in ipol_walks(data):
        yield walk, slice(1, -1)


def errors_ms(walks: list[tuple[Trial, slice]]) -> Errors:
    """Found minus true of every contact within `NEAR_S`, by event and person."""
    out: Errors = {"IC": {}, "TC": {}}
    for trial, counted in walks:
        found = find(trial)
        both: dict[str, list[float]] = {"IC": [], "TC": []}
        for side, truth in trial.truth.items():
            events = (("IC", truth.ic_s, found.contacts_s(side)), ("TC", truth.tc_s, found.toe_offs_s(side)))
            for event, true, times in events:
                inside = true[counted]
                pairs = match_events(times, inside, NEAR_S).pairs
                both[event] += [1000.0 * float(times[i] - inside[j]) for i, j in pairs]
        for event, values in both.items():
            out[event][trial.runner] = np.array(values)
    return out


def told(values: list[FloatArray]) -> str:
    """Bias, SD over all, and the mean SD of one person."""
    one = np.concatenate(values)
    own = float(np.mean([v.std(ddof=1) for v in values]))
    return f"{one.mean():+6.1f} ± {one.std(ddof=1):4.1f} ms (own SD {own:4.1f}, n {len(one):>3})"


def report(name: str, swept: dict[float, Errors], event: str, shipped: float) -> None:
    """One sweep; the best of one reference on the other; leaving one person out."""
    print(f"\n{event}, {name:<10} {'gaitmap':<44} ipol")
    people = list(swept[shipped][event])
    optical, others = people[:1], people[1:]
    for value, errors in swept.items():
        mark = " <- shipped" if value == shipped else ""
        cells = [told([errors[event][p] for p in group]) for group in (optical, others)]
        print(f"    {value:<12g} {cells[0]:<44} {cells[1]}{mark}")

    def bias(value: float, group: list[str]) -> float:
        return float(np.concatenate([swept[value][event][p] for p in group]).mean())

    for fitted, on, words in ((optical, others, "gaitmap, on ipol"), (others, optical, "ipol, on gaitmap")):
        best = min(swept, key=lambda v: abs(bias(v, fitted)))
        print(f"    fitted on {words}: {best:g}, {told([swept[best][event][p] for p in on])}")
    for person in others:
        best = min(swept, key=lambda v: abs(bias(v, [p for p in others if p != person])))
        print(f"    {person} left out: {best:g}, {told([swept[best][event][person]])}")


def impact_ms(trial: Trial, counted: slice) -> FloatArray:
    """When the jerk first comes to half of its highest within 60 ms before to 120 ms after a true contact, ms."""
    out = []
    for side, truth in trial.truth.items():
        blocks = trial.recordings[side].blocks
        t_s = np.concatenate([b.t_pod_ns for b in blocks]) / NS
        acc = np.concatenate([b.acc_mps2 for b in blocks])
        jerk = np.linalg.norm(np.diff(acc, axis=0), axis=1) / np.diff(t_s)
        middle = (t_s[1:] + t_s[:-1]) / 2
        for ic in truth.ic_s[counted]:
            rows = np.flatnonzero((middle > ic - 0.06) & (middle < ic + 0.12))
            if len(rows):
                first = rows[np.flatnonzero(jerk[rows] >= 0.5 * jerk[rows].max())[0]]
                out.append(1000.0 * float(middle[first] - ic))
    return np.array(out)


def sweep(walks: list[tuple[Trial, tuple[float, float]]], name: str, values: list[float]) -> dict[float, Errors]:
    """Errors with each value of one constant of `sensord.dsp.walking`."""
    shipped = getattr(walking, name)
    out = {}
    for value in values:
        setattr(walking, name, value)
        out[value] = errors_ms(walks)
    setattr(walking, name, shipped)
    return out


def main() -> int:
    """Print the sweeps."""
    data = os.environ.get("SENSORD_DATA")
    if not data:
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    try:
        walks = list(trials(Path(data)))
    except SensordError as error:
        print(error, file=sys.stderr)
        return 2
    report("IC_SHARE", sweep(walks, "IC_SHARE", IC_SHARES), "IC", walking.IC_SHARE)
    report("TC_SHARE", sweep(walks, "TC_SHARE", TC_SHARES), "TC", walking.TC_SHARE)
    cutoffs = sweep(walks, "CUTOFF_HZ", CUTOFFS_HZ)
    for event in ("IC", "TC"):
        report("CUTOFF_HZ", cutoffs, event, walking.CUTOFF_HZ)
    print("\nfirst jerk of half the highest, against the reference's IC (first person: gaitmap)")
    for trial, counted in walks:
        late = impact_ms(trial, counted)
        print(f"    {trial.runner:<10} median {np.median(late):+6.1f} ms, n {len(late)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
