"""What is learned of one runner against a speed known from elsewhere: single factors, by recursive least squares.

A factor is kept as its logarithm, so that its error is a share of the speed. Old strides are forgotten by a little with
each new one (Falbriard et al. 2021, doi:10.3389/fspor.2021.585809, personalise speed this way, with a forgetting
factor near one), so that a tired runner or another shoe is followed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, isfinite, log, sqrt

from sensord.model import Json

FORGETTING = 0.998
"""Design choice in the range 0.995-0.999 that the literature uses: half is forgotten after 350 strides."""

LIKELY = 0.35
"""Design choice: what differs from the expected by more than this (as a logarithm) teaches nothing."""


@dataclass(slots=True)
class Factor:
    """One factor: its logarithm, the variance of that, strides that taught it, and how well their speed was known."""

    log: float
    variance: float
    n: int = 0
    known_share: float = 0.0

    @property
    def value(self) -> float:
        """The factor itself."""
        return exp(self.log)

    @property
    def sd_share(self) -> float:
        """How far off it may be, as a share: what chance left, and what the teaching speed was off by as a whole."""
        return sqrt(self.variance + self.known_share**2)

    def teach(self, seen: float, *, sd_share: float, known_share: float, most: float) -> None:
        """One stride showed `seen`, with a random error `sd_share`; `most` is the variance never exceeded."""
        if not (seen > 0.0 and isfinite(seen)) or abs(log(seen) - self.log) > LIKELY:
            return
        variance = min(self.variance / FORGETTING, most)
        gain = variance / (variance + sd_share**2)
        self.log += gain * (log(seen) - self.log)
        self.variance = (1.0 - gain) * variance
        self.n += 1
        self.known_share = (
            known_share if self.n == 1 else FORGETTING * self.known_share + (1 - FORGETTING) * known_share
        )

    def to_json(self) -> Json:
        """Plain values; `from_json` makes the same factor of them."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Json) -> Factor:
        """The factor of these values; ValueError when they are none."""
        try:
            factor = cls(float(value["log"]), float(value["variance"]), int(value["n"]), float(value["known_share"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what was learned of a runner: {error}") from None
        if not (isfinite(factor.log) and 0.0 <= factor.variance < 1.0 and factor.n >= 0 and factor.known_share >= 0.0):
            raise ValueError("not what was learned of a runner: values out of range")
        return factor
