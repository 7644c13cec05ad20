"""How long a server asks to be left alone."""

from __future__ import annotations

import datetime as dt
import email.utils
from math import isfinite


def retry_after_s(value: str | None) -> float | None:
    """Retry-After in s, whether given in seconds or as a date (RFC 9110 10.2.3); None when it says neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return seconds if isfinite(seconds) else None
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when - dt.datetime.now(tz=dt.UTC)).total_seconds())
