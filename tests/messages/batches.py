"""Batches and verdicts for tests: any columns that the types allow, hostile texts among them."""

import numpy as np
from hypothesis import strategies as st

from corridor.messages.columns import HEAD, ITEM, NO_MONEY, Declarations
from corridor.messages.tokens import hs_token, token
from corridor.messages.vocabulary import BASES, GROUPS
from corridor.verdicts import REASONS, Notice, Shadow, Verdicts

HOSTILE = [
    '"',
    "\\",
    "\\n\n\r\t\b\f\0\x1f\x7f",
    "</script>",
    "=cmd()",
    "Ж\u202e\u200b",
    "\U0001f4a5",
    'a"b\\c',
]
EXTREMES = [NO_MONEY, NO_MONEY + 1, -1, 0, 1, 99, 100, 10**17, 2**63 - 1]
FLOATS = [np.nan, np.inf, -np.inf, 0.0, -0.0, -2.5, 0.0005, 0.0015, 1e-300, 1430.5, 1e9, 1e12, 1.1e12, 1e308]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(HOSTILE)


def probabilities(rng: np.random.Generator, n: int) -> np.ndarray:
    p = np.round(rng.beta(0.4, 2, n) * 1e9) / 1e9
    return np.where(rng.random(n) < 0.1, rng.integers(0, 2, n), p)


def assemble(
    identities: list[tuple[str, str, str]], counts: list[int], rng: np.random.Generator, extremes: bool = True
) -> Declarations:
    """A batch of declarations with the given (declaration_id, office, importer) and item counts."""
    n, m = len(identities), sum(counts)
    heads, items = np.zeros(n, HEAD), np.zeros(m, ITEM)
    raw = [[part.encode() for part in texts] for texts in identities]
    for c, name in enumerate(("id_length", "office_length", "importer_length")):
        heads[name] = [len(parts[c]) for parts in raw]
    lengths = [sum(map(len, parts)) for parts in raw]
    heads["office"] = [token(office) for _, office, _ in identities]
    heads["declarant"] = rng.integers(1, 5, n)
    heads["registered_at"] = rng.integers(-62_200_000_000_000_000, 253_500_000_000_000_000, n)
    plain = rng.random(n) < 0.8
    heads["registered_at"][plain] = 1_700_000_000_000_000 + 1000 * rng.integers(0, 10**11, plain.sum())
    heads["version"], heads["item_count"] = rng.integers(1, 2**31 - 1, n), counts
    heads["function"], heads["direction"] = rng.integers(0, 3, n), rng.integers(0, 3, n)
    heads["transport_mode"] = rng.integers(1, 10, n)
    hs = ["8715001000", "010221", "0102", "99" * 5, "00" * 4, "87A", "1" * 15, ""]
    items["hs_code"] = rng.choice([hs_token(code) for code in hs], m)
    items["origin_country"] = rng.choice(
        [token(c) for c in ("CN", "DE", "ZZ", '"\\\n', "Китай", "", "unknown")], m
    )
    items["item_no"] = rng.integers(1, 1000, m)
    for name in ("customs_value", "duty", "vat"):
        items[name] = rng.integers(-100, 10**9, m)
        if extremes:
            items[name] = np.where(rng.random(m) < 0.3, rng.choice(EXTREMES, m), items[name])
    items["net_mass_kg"] = np.round(rng.lognormal(3, 2, m), 3)
    if extremes:
        items["net_mass_kg"] = np.where(rng.random(m) < 0.3, rng.choice(FLOATS, m), items["net_mass_kg"])
    text = np.frombuffer(b"".join(part for parts in raw for part in parts), np.uint8)
    starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    return Declarations(heads, items, np.cumsum([0, *counts]).astype(np.int64), text, starts)


def judged(
    batch: Declarations, rng: np.random.Generator, rulebook: str = "2026.1", candidate: str | None = None
) -> Verdicts:
    """Verdicts of every kind on a batch; candidate: one that was asked about some of it."""
    n, m = len(batch), len(batch.items)
    group = rng.integers(-1, len(GROUPS), (n, REASONS)).astype(np.int8)
    return Verdicts(
        corridor=rng.integers(0, 4, n).astype(np.int8),
        probability=probabilities(rng, n),
        expected_loss=rng.integers(0, 10**10, n),
        basis=rng.integers(0, len(BASES), n).astype(np.int8),
        at_random=rng.random(n) < 0.5,
        inclusion=probabilities(rng, n),
        item_probability=probabilities(rng, m),
        item_corridor=rng.integers(0, 4, m).astype(np.int8),
        reason_group=group,
        reason_item=np.where(group >= 0, rng.integers(0, 1000, (n, REASONS)), 0).astype(np.int32),
        reason_contribution=np.round(rng.normal(0, 3, (n, REASONS)) * 1e6) / 1e6,
        quality=(rng.integers(0, 2, n) << 12).astype(np.uint32),
        item_quality=np.zeros(m, np.uint32),
        notices=(Notice(0, 0, 1, 1),) if n else (),
        rulebook=rulebook,
        shadow=None if candidate is None else Shadow(candidate, rng.integers(-1, 4, n).astype(np.int8)),
    )


@st.composite
def batches(draw: st.DrawFn) -> tuple[Declarations, Verdicts]:
    identities = draw(st.lists(st.tuples(texts, texts, texts), max_size=6))
    counts = draw(st.lists(st.integers(1, 5), min_size=len(identities), max_size=len(identities)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch = assemble(identities, counts, rng)
    return batch, judged(batch, rng, draw(texts), draw(st.none() | texts))


def plain(n: int, seed: int = 1) -> tuple[Declarations, Verdicts]:
    """n believable declarations of three items."""
    rng = np.random.default_rng(seed)
    identities = [(f"10131010/221126/{i:07d}", "10131010", f"50{i % 977:08d}") for i in range(n)]
    batch = assemble(identities, [3] * n, rng, extremes=False)
    return batch, judged(batch, rng)
