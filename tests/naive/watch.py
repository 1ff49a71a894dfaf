"""Slow twin of corridor.kernels.watch: sums of windows and the CUSUM of days, in plain Python over whole histories."""

WINDOWS = (1, 2, 3, 6, 12)
HOURS = (2, 4, 8, 24)


def sums(bins, t):
    """Sums over all windows that end with bin t; bins: list of values from bin 0 on.

    Windows of hours hold the hour that runs and whole hours before it.
    """
    out = [sum(bins[max(t - w + 1, 0) : t + 1]) for w in WINDOWS]
    begin = t // 12 * 12
    out += [sum(bins[max(begin - 12 * (h - 1), 0) : t + 1]) for h in HOURS]
    return out


def zero_run(bins, expected, t):
    """Bins since the last that held something, and what was expected in them."""
    begin = t + 1
    while begin > 0 and bins[begin - 1] == 0:
        begin -= 1
    return begin, sum(expected[begin : t + 1])


def cusum(deviations, slack, most, limit):
    """Upper CUSUM after each day's deviation, bounded as the kernel bounds it."""
    value, out = 0.0, []
    for z in deviations:
        value = min(max(value + min(max(z, -most), most) - slack, 0.0), limit + 3.0)
        out.append(value)
    return out
