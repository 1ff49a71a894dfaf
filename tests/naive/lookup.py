"""Slow twins of kernels/lookup.py: dictionaries."""

M64 = (1 << 64) - 1


def signed(x):
    return x - (1 << 64) if x >> 63 else x


def scramble(x):
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & M64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & M64
    return x ^ (x >> 33)


def mix(a, b, c=0):
    return signed(scramble(scramble(scramble(a & M64) ^ (b & M64)) ^ (c & M64)))


def probe(keys, wanted):
    rows = {key: row for row, key in enumerate(keys)}
    return [rows.get(key, -1) for key in wanted]


def back_off(cells, hs, origin, unit):
    """cells: {(hs text, origin, unit): row}; hs: text."""
    if not (hs.isdigit() and len(hs) >= 6):
        return -1
    wanted = []
    if origin:
        wanted += [(hs, origin, unit), (hs[:6], origin, unit)]
    wanted += [(hs[:6], 0, unit), (hs[:4], 0, unit)]
    return next((cells[key] for key in wanted if key in cells), -1)


def share(known, a, b, hs):
    """known: {(first, second): share}; hs: which side is an HS code. The share of the pair (a, b)."""
    wrong = any(side == 0 or (is_hs and side < 0) for side, is_hs in zip((a, b), hs, strict=True))
    if wrong or all(first != a for first, _ in known):
        return float("nan")
    return known.get((a, b), 0.0)
