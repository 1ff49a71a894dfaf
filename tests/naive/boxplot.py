"""Slow twin of `kernels.boxplot`: numpy and statsmodels."""

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.stattools import medcouple

from corridor.kernels.boxplot import MEDCOUPLE_SAMPLE


def summary(values: NDArray[np.float64]) -> list[float]:
    """One cell in the order of `boxplot.SUMMARY`."""
    if not len(values):
        return [float("nan")] * 8
    x, logs = np.sort(values), np.log(values)
    median = np.median(logs)
    sample = x
    if len(x) > MEDCOUPLE_SAMPLE:
        ranks = [round(i * (len(x) - 1) / (MEDCOUPLE_SAMPLE - 1) + 1e-9) for i in range(MEDCOUPLE_SAMPLE)]
        sample = x[ranks]
    skew = float(medcouple(sample, use_fast=False)) if len(sample) > 2 else 0.0
    q1, q3 = np.quantile(x, [0.25, 0.75])
    low, high = (-4.0, 3.0) if skew >= 0 else (-3.0, 4.0)
    fences = [q1 - 1.5 * np.exp(low * skew) * (q3 - q1), q3 + 1.5 * np.exp(high * skew) * (q3 - q1)]
    return [median, np.median(np.abs(logs - median)), *np.quantile(x, [0.01, 0.05, 0.95, 0.99]), *fences]
