"""On whom the constants of the algorithm were fitted: what a reader must know before believing a row about the same."""

from __future__ import annotations

CONSTANTS_FITTED_ON: dict[str, str] = {
    "initial and terminal contact, running (dsp/contact.py)": (
        "chosen between the best of the two force-plate runners, with both seen; "
        "`python bench/fit_contact_shares.py` fits on one and reports on the other"
    ),
}
"""What was fitted: on which data. What is not named here is from literature, physics or a design choice, as its own
comment says."""
