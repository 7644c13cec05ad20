"""Where on the pitch rate a walking contact is taken: each reference's best share, and what it says about the other.

`SENSORD_DATA=... python bench/fit_walking.py` sweeps IC_SHARE, TC_SHARE and CUTOFF_HZ of `sensord.dsp.walking` over the
gaitmap sample (optical, one person, 204.8 Hz) and the IPOL walks (set by hand, five people, 100 Hz; without what lies
on the bounds of a walk or after it), leaves one person out at a time, prints where the jerk of the impact shows against
both, and how well the acceleration of push-off agrees with the pitch rate about terminal contact.
Six people are a demonstration, not a population.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sensord.dsp import walking
from sensord.dsp.filters import zero_phase
from sensord.errors import SensordError
from sensord.model import NS, FloatArray
from sensord.validation.datasets import gaitmap_walk, ipol_walks
from sensord.validation.statistics import match_events
from sensord.validation.trial import Trial, find

IC_SHARES = [round(0.1 * k, 1) for k in range(10)]
TC_SHARES = [0.3, 0.4, 0.5, 0.6, 0.66, 0.7, 0.8, 0.9]
CUTOFFS_HZ = [8.0, 10.0, 12.0, 15.0, 20.0]
NEAR_S = 0.1
THROW_HZ = 20.0
PUSH_S = 0.12
FALL_S = 0.03
"""The throw is low-passed so; its direction is that of the strongest pull within so long before a terminal contact, and
its steepest fall lies so near to it. 15 to 25 Hz say the same within 0.3 ms of spread."""

Errors = dict[str, dict[str, FloatArray]]
"""Errors in ms by event ("IC", "TC") and person."""


def trials(data: Path) -> Iterator[Trial]:
    """Every walk."""
    yield gaitmap_walk(data)
    yield from ipol_walks(data)


def counted(trial: Trial, times_s: FloatArray) -> FloatArray:
    """Which of a foot's events count: in the IPOL walks, those in the walk but its first and last, on its bounds."""
    if trial.walk_s is None:
        return times_s
    low, high = trial.walk_s
    return times_s[(times_s > low - 0.001) & (times_s < high + 0.001)][1:-1]


def errors_ms(walks: list[Trial]) -> Errors:
    """Found minus true of every contact within `NEAR_S`, by event and person."""
    out: Errors = {"IC": {}, "TC": {}}
    for trial in walks:
        found = find(trial)
        both: dict[str, list[float]] = {"IC": [], "TC": []}
        for side, truth in trial.truth.items():
            events = (("IC", truth.ic_s, found.contacts_s(side)), ("TC", truth.tc_s, found.toe_offs_s(side)))
            for event, true, times in events:
                inside = counted(trial, true)
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


def impact_ms(trial: Trial) -> FloatArray:
    """When the jerk first comes to half of its highest within 60 ms before to 120 ms after a true contact, ms."""
    out = []
    for side, truth in trial.truth.items():
        blocks = trial.recordings[side].blocks
        t_s = np.concatenate([b.t_pod_ns for b in blocks]) / NS
        acc = np.concatenate([b.acc_mps2 for b in blocks])
        jerk = np.linalg.norm(np.diff(acc, axis=0), axis=1) / np.diff(t_s)
        middle = (t_s[1:] + t_s[:-1]) / 2
        for ic in counted(trial, truth.ic_s):
            rows = np.flatnonzero((middle > ic - 0.06) & (middle < ic + 0.12))
            if len(rows):
                first = rows[np.flatnonzero(jerk[rows] >= 0.5 * jerk[rows].max())[0]]
                out.append(1000.0 * float(middle[first] - ic))
    return np.array(out)


def thrown_ms(trial: Trial) -> tuple[FloatArray, FloatArray]:
    """Of each matched terminal contact, ms: the pitch rate's error, and how much later the throw has half collapsed."""
    found, errors, later = find(trial), [], []
    for side, truth in trial.truth.items():
        blocks, hz = trial.recordings[side].blocks, trial.rate_hz
        t_s = np.concatenate([b.t_pod_ns for b in blocks]) / NS
        acc = zero_phase(np.concatenate([b.acc_mps2 for b in blocks]).T.copy(), THROW_HZ, hz)
        times, inside = found.toe_offs_s(side), counted(trial, truth.tc_s)
        for i, j in match_events(times, inside, NEAR_S).pairs:
            at = int(np.searchsorted(t_s, times[i]))
            before, near = at - round(PUSH_S * hz), round(FALL_S * hz)
            strongest = before + int(np.linalg.norm(acc[:, before : at + 1], axis=0).argmax())
            throw = acc[:, strongest] @ acc / np.linalg.norm(acc[:, strongest])
            top = at - near + int(np.diff(throw[at - near : at + near + 1]).argmin())
            bottom = top + 1
            while throw[top - 1] > throw[top]:
                top -= 1
            while throw[bottom + 1] < throw[bottom]:
                bottom += 1
            half = top + int(np.flatnonzero(throw[top : bottom + 1] >= 0.5 * (throw[top] + throw[bottom]))[-1])
            share = (throw[half] - 0.5 * (throw[top] + throw[bottom])) / (throw[half] - throw[half + 1])
            errors.append(1000.0 * float(times[i] - inside[j]))
            later.append(1000.0 * float(t_s[half] + share * (t_s[half + 1] - t_s[half]) - times[i]))
    return np.array(errors), np.array(later)


def sweep(walks: list[Trial], name: str, values: list[float]) -> dict[float, Errors]:
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
    for trial in walks:
        late = impact_ms(trial)
        print(f"    {trial.runner:<10} median {np.median(late):+6.1f} ms, n {len(late)}")
    print(
        "\nterminal contact: error of the pitch rate, error of the throw's collapse, between the two (SD, ms; gaitmap)"
    )
    errors, later = thrown_ms(walks[0])
    both = np.array((errors, errors + later))
    sds = ", ".join(f"{v.std(ddof=1):.1f}" for v in (*both, later))
    print(f"    {sds}; the errors correlate by {np.asarray(np.corrcoef(both))[0, 1]:.2f}, n {len(later)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
