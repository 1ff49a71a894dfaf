"""A small day written by hand for tests of the page: no figure of it stands anywhere in the product."""

import numpy as np

from corridor.picture.hourly import HOUR
from corridor.study.report.content import Alert, Curve, Day, Office, Planted, Report, Step

DAY = 1_795_478_400_000_000
HOSTILE = '<script>alert(1)</script> "quoted" & \u202e\x00=cmd()'


def curve(level, seed, hole=None):
    shape = np.array([2, 2, 2, 2, 3, 6, 20, 60, 90, 100, 98, 80, 85, 92, 90, 70, 50, 30, 15, 8, 5, 4, 3, 2.0])
    expected = level * shape / 100
    observed = np.random.default_rng(seed).poisson(expected).astype(float)
    if hole:
        observed[hole] = 0
    return Curve(DAY + np.arange(24) * HOUR, observed, expected, expected * 0.8 - 1, expected * 1.2 + 2)


def report(text=HOSTILE, offices=16):
    rng = np.random.default_rng(1)
    names = [f"1013{i:04d}" for i in range(offices - 1)] + [text]
    rows = []
    for i, name in enumerate(names):
        c = curve(900 / (i + 1), i, slice(11, 16) if i == 2 else None)
        n = int(c.observed.sum())
        rows.append(
            Office(
                name, n, (n - n // 5 - n // 30, n // 40, n // 6, n // 30), n * 9e5, n * 2.4e5, c, int(i == 2)
            )
        )
    corridors = tuple(sum(o.corridors[k] for o in rows) for k in range(4))
    whole = curve(2600, 99)
    alerts = [
        Alert(
            "picture.silence", "critical", "10130002", "10130002", "11:00 to 16:00", text, 0, 148, 120, 180
        ),
        Alert(
            "picture.share_shift",
            "warning",
            text,
            None,
            "09:00 to 24:00",
            "Share of CN",
            0.52,
            0.2,
            0.12,
            0.3,
        ),
        Alert("consignment.conflict", "info", "x", None, "", "", None, None, None, None),
    ]
    day = Day(
        date="2026-11-24", rulebook=text, declarations=25_000, items=75_231, customs_value=2.3e10, duty=1.4e9,
        vat=4.2e9, corridors=corridors, curve=whole,
        by_corridor=np.outer([0.77, 0.03, 0.16, 0.04], whole.observed),
        payments=np.outer([1e6, 3e6], whole.observed), offices=rows, origins=["CN", "DE", text, "TR"],
        chapters=["84", "85", "61", "unknown"], mix=rng.gamma(0.6, 400, (4, 4)).round(),
        reasons={"valuation": 900, "data_quality": 120, text: 3}, alerts=alerts,
        counts={"read": 25_400, "decided": 25_000, "rejected": 250, "duplicates": 150}, rejects={text: 250},
    )  # fmt: skip
    planted = [
        Planted("undervaluation", 40, 44, {0.05: 0.7, 0.1: 0.9}, 0.95, 0.4, None, 0.95),
        Planted("office_silent", 1, 0, {}, None, None, 1.0, 1.0),
        Planted(text, 10, 12, {0.05: 0.1, 0.1: 0.3}, 0.3, 0.1, 0.2, 0.4),
    ]
    steps = [Step("simulate", 12.3, text), Step("decide", 9.1, "two slots")]
    return Report(
        "Corridor demo", day, planted, (770, 30, 160, 40), 0.16, steps, 31_000.0, [("page", text)], [text]
    )
