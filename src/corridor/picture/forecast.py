"""Payments against the plan: what is planned for a window, and what will have been paid at its end.

The clock of the forecast is the declarations that the norms expect: so much as of them is expected by now, so much of
the payments of the whole window has been made. A holiday or a weekend is in it as far as the norms know of it.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import NO_MONEY
from corridor.picture.changes import DAY, MINUTE
from corridor.picture.hourly import HOUR
from corridor.picture.norms import PictureNorms
from corridor.picture.plan import SERVICE, PaymentPlan

Array = NDArray[Any]

DIMENSIONS: Final = ("service", "office")
LEAST: Final = 0.01
"""Before a hundredth of a window's declarations is expected there is no forecast: it would be of chance alone."""
_DAYS: Final = {"day": 1, "week": 7}
_KEPT: Final = 20_000

Key = tuple[str, str, int]
"""Dimension, value, and the microsecond at which the window starts."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A plan, and the norms by which forecasts are made: each from its moment on, microseconds, ascending."""

    plan: PaymentPlan
    norms: tuple[tuple[int, PictureNorms], ...] = ()
    _by_day: dict[tuple[str, int], int] = field(default_factory=dict, init=False, repr=False)
    _curves: dict[tuple[str, Key], Array] = field(default_factory=dict, init=False, repr=False)

    def told(
        self,
        period: str,
        window: tuple[Array, Array],
        dimension: list[str],
        value: list[str],
        payments: Array,
    ) -> Array:
        """int64[n, 2]: payments planned for the whole window, and forecast at its end; NO_MONEY for none.

        window: starts and ends of what is counted, int64[n] microseconds; payments: int64[n], made so far; all
        money in minor units. A week's plan is the sum of its days that have one.
        """
        out = np.full((len(payments), 2), NO_MONEY)
        rows = [i for i, name in enumerate(dimension) if name in DIMENSIONS]
        starts = window[0].tolist()
        keys: dict[Key, int] = {}
        of = np.array(
            [keys.setdefault((dimension[i], value[i], starts[i]), len(keys)) for i in rows], np.int64
        )
        if not rows:
            return out
        planned = np.array([self._planned(period, key) for key in keys], np.int64)
        curves = np.stack([self._curve(period, key) for key in keys])
        out[rows, 0] = planned[of]
        paid = payments[rows].astype(np.float64)
        share = _share(curves, of, (window[1] - window[0])[rows])
        forecast = np.full(len(rows), NO_MONEY)
        sure = (
            (share >= LEAST) & (out[rows, 0] != NO_MONEY) & (paid / np.where(share > 0, share, 1.0) < 2.0**62)
        )
        forecast[sure] = np.rint(paid[sure] / share[sure])
        out[rows, 1] = forecast
        return out

    def _planned(self, period: str, key: Key) -> int:
        if not self._by_day:
            self._by_day.update(self.plan.by_day())
        dimension, value, start = key
        first = start // (MINUTE * DAY)
        office = SERVICE if dimension == "service" else value
        days = (self._by_day.get((office, first + i)) for i in range(_DAYS[period]))
        known = [payments for payments in days if payments is not None]
        return sum(known) if known else NO_MONEY

    def _curve(self, period: str, key: Key) -> Array:
        """float64[hours + 1]: the share of the window's declarations expected by each full hour; NaN without norms."""
        found = self._curves.get((period, key))
        if found is None:
            if len(self._curves) >= _KEPT:
                self._curves.clear()
            found = self._curves[period, key] = self._curve_of(_DAYS[period] * 24, key)
        return found

    def _curve_of(self, hours: int, key: Key) -> Array:
        dimension, value, start = key
        in_force = [norms for since, norms in self.norms if since <= start] or [n for _, n in self.norms[:1]]
        if not in_force:
            return np.full(hours + 1, np.nan)
        expected, _, _ = in_force[-1].band(dimension, value, start + np.arange(hours) * HOUR)
        total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(expected))])
        return total / total[-1] if total[-1] > 0 else np.full(hours + 1, np.nan)


def _share(curves: Array, of: Array, elapsed: Array) -> Array:
    """float64[k]: the share expected by now, between two full hours in proportion; 0 where no norm is."""
    last = curves.shape[1] - 1
    hour = np.minimum(elapsed // HOUR, last)
    part = np.where(hour < last, (elapsed - hour * HOUR) / HOUR, 0.0)
    before, after = curves[of, hour], curves[of, np.minimum(hour + 1, last)]
    return np.asarray(np.nan_to_num(before + part * (after - before)))
