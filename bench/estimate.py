# SPDX-License-Identifier: MIT
"""A value and how sure it is."""

import math
import random
import statistics

# Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
       2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
       2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
RESAMPLES = 2000


def of_median(values):
    """Median and its 95 % interval by bootstrap."""
    values = list(values)
    if not values:
        return None
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values)))
                     for _ in range(RESAMPLES))
    return {"median": statistics.median(values), "n": len(values),
            "low": medians[int(0.025 * RESAMPLES)],
            "high": medians[int(0.975 * RESAMPLES) - 1],
            "least": min(values), "most": max(values)}


def of_mean(values):
    """Mean and its 95 % interval by Student's t; None for a single value."""
    n = len(values)
    if n < 2:
        return None
    half = (T95[n - 2] if n - 1 <= len(T95) else 1.96 + 2.5 / n) * (
        statistics.stdev(values) / math.sqrt(n))
    mean = statistics.fmean(values)
    return {"mean": mean, "half_width": half, "low": mean - half,
            "high": mean + half, "n": n}
