"""Where on the pitch-rate minimum a contact is taken: fitted on one runner, reported on the other.

`SENSORD_DATA=... python bench/fit_contact_shares.py` sweeps IC_SHARE and TC_SHARE of `sensord.dsp.contact` over the
force-plate contacts of the two derived runners (variant smooth_200hz, which has no placed impact). Two runners are a
demonstration, not a population.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

from sensord import analyse
from sensord.dsp import contact
from sensord.model import NS, FloatArray, Side

RUNNERS = {"heel, 4.1 m/s": "jdx_derived/jdx_s999_run0021", "midfoot, 3.5 m/s": "rbds_derived/rbds001_run35"}
SHARES = [round(0.5 + 0.05 * k, 2) for k in range(11)]
NEAR_S = 0.06


def errors_ms(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Found minus true, ms, of every initial and every terminal contact of both feet."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["feet"]
    files = {side: folder / f"smooth_200hz_{side.value}.csv" for side in Side}
    result = analyse(left=files[Side.LEFT], right=files[Side.RIGHT])
    ic: list[float] = []
    tc: list[float] = []
    for stride in result.strides:
        for found, name, into in ((stride.ic_pod_ns, "ic_pod_s", ic), (stride.tc_pod_ns, "tc_pod_s", tc)):
            if found is None:
                continue
            off_s = found / NS - np.array(truth[stride.foot.value][name])
            nearest = off_s[np.abs(off_s).argmin()]
            if abs(nearest) <= NEAR_S:
                into.append(float(nearest) * 1000)
    return np.array(ic), np.array(tc)


def main() -> int:
    """Print the sweep and what one runner's best says about the other."""
    data = os.environ.get("SENSORD_DATA")
    if not data:
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    shipped = contact.IC_SHARE, contact.TC_SHARE
    bias: dict[tuple[str, str, float], float] = {}
    print("share   " + "   ".join(f"{event} {name:<18}" for name in RUNNERS for event in ("IC", "TC")))
    for share in SHARES:
        contact.IC_SHARE = contact.TC_SHARE = share
        cells = []
        for name, folder in RUNNERS.items():
            for event, off in zip(("IC", "TC"), errors_ms(Path(data) / folder), strict=True):
                bias[event, name, share] = float(off.mean())
                cells.append(f"{off.mean():+6.1f} ± {off.std(ddof=1):3.1f} ms (n {len(off):>2})")
        print(f"{share:.2f}    " + "   ".join(cells))
    contact.IC_SHARE, contact.TC_SHARE = shipped
    for event, used in zip(("IC", "TC"), shipped, strict=True):
        for fitted, told in (tuple(RUNNERS), tuple(reversed(RUNNERS))):
            best = min(SHARES, key=lambda s: abs(bias[event, fitted, s]))
            print(f"{event}: fitted on {fitted}: {best:.2f}; bias on {told}: {bias[event, told, best]:+.1f} ms")
        print(f"{event}: shipped {used:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
