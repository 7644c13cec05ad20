"""On whom the constants behind each section were fitted: to be known before believing rows about the same people."""

from __future__ import annotations

_CONTACT = (
    "the times of contact in running are moments with a physical meaning (`dsp/braking.py`) and design choices; one "
    "delay (`dsp/contact.py`, where the push-off shows in the pitch rate only) was measured on these four feet without "
    "the force plate. Both runners were seen while the rules were chosen: their rows are no test on strangers"
)
_WALKING = (
    "the two shares of `dsp/walking.py` were chosen between gaitmap's person and the five of ipol; "
    "`python bench/fit_walking.py` prints what each says of the other"
)
_SIMULATED = "the simulator's shapes were read off the two force-plate runners: it agrees with them by making"

CONSTANTS_FITTED_ON: dict[str, str] = {
    "timing": _CONTACT,
    "timing by sensor": _CONTACT,
    "timing, simulated": _SIMULATED,
    "contact time skill": _SIMULATED,
    "walking": _WALKING,
    "length and speed": (
        "the trajectory (`dsp/travel.py`) has design choices only. Where it is missing, speed comes from a contact "
        "length (`load/speed.py`) between those of four runners, these two and the one beside Stryd among them; "
        "`python bench/fit_speed.py` tells each by the others"
    ),
    "strike": (
        "how far the line of push-off lies from square to the foot (`dsp/strike.py`) was measured on these two; "
        "`python bench/fit_strike.py` prints what each says of the other. The thresholds are from literature"
    ),
}
"""By section: what was fitted on which data. What is not named is from literature, physics or a design choice."""
