"""Times and amounts as whole numbers, whose sums depend on no order.

Times are microseconds since 1970 UTC, amounts and shares are millionths.
"""

from __future__ import annotations

import datetime as dt

MICRO = 1_000_000  # millionths in one
US_PER_SECOND = 1_000_000
US_PER_HOUR = 3_600_000_000
US_PER_DAY = 86_400_000_000
_EPOCH = dt.date(1970, 1, 1)


def day_of(t_us: int) -> dt.date:
    """Return the day (UTC) of a time.

    Examples
    --------
    >>> day_of(-1), day_of(US_PER_DAY)
    (datetime.date(1969, 12, 31), datetime.date(1970, 1, 2))
    """
    return _EPOCH + dt.timedelta(days=t_us // US_PER_DAY)


def start_of(day: dt.date) -> int:
    """Return the time at which a day (UTC) begins.

    Examples
    --------
    >>> start_of(dt.date(1970, 1, 2))
    86400000000
    """
    return (day - _EPOCH).days * US_PER_DAY
