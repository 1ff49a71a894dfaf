"""Rules by the block: a flat program run on columns, one operation on a block of rows at a time.

A program is a table of steps over three kinds of registers, each as long as a block: numbers
(float64, NaN = unknown), codes (int64, 0 = unknown) and truths (uint8, 0 or 1). What an operation
costs to find and start is shared by the whole block, and its inner loop is a plain array loop that
LLVM vectorises; the registers of a block stay in the first and second level cache. A program is
data: a new rulebook needs no compiling. (Block-at-a-time interpretation: Boncz, Zukowski, Nes,
"MonetDB/X100: Hyper-Pipelining Query Execution", CIDR 2005.)

Three-valued logic needs no third value here: the program (see rulebook/program.py) asks of each
part either "is it true?" or "is it false?", and an unknown part is neither.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import membership
from corridor.kernels._jit import inline, kernel_across, readonly
from corridor.kernels.membership import dated, dated_prefix, hashed

Array = NDArray[Any]

# Numbers: destination, a, b are number registers.
ADD: Final = 0
SUBTRACT: Final = 1
MULTIPLY: Final = 2
DIVIDE: Final = 3  # by zero: NaN
REMAINDER: Final = 4  # sign of the dividend; by zero or of an infinity: NaN
MINIMUM: Final = 5
MAXIMUM: Final = 6
NEGATIVE: Final = 7
ABSOLUTE: Final = 8
LOGARITHM: Final = 9  # of what is not positive: NaN
# Truths from numbers: a, b number registers; ..._C: b is an index into the constants.
LESS: Final = 16
AT_MOST: Final = 17
EQUAL: Final = 18
DIFFERENT: Final = 19  # known and not equal
LESS_C: Final = 20
AT_MOST_C: Final = 21
MORE_C: Final = 22
AT_LEAST_C: Final = 23
EQUAL_C: Final = 24
DIFFERENT_C: Final = 25
KNOWN: Final = 26
UNKNOWN: Final = 27
# Codes: ORDERED makes of an HS code register one in which a prefix is a range, HEADING its first four digits.
ORDERED: Final = 32
HEADING: Final = 31
# Truths from codes: a a code register, b (and c) an index into the tokens, or a code register.
IS: Final = 33  # a == tokens[b]
SAME: Final = 34  # a == b, both known
CODE_KNOWN: Final = 35
CODE_UNKNOWN: Final = 36
ANY_OF: Final = 37  # a in tokens[b : b + c]
HASHED: Final = 38  # a in the open-addressed table tokens[b : b + c], c a power of two
IN_RANGES: Final = 39  # tokens[k] <= a < tokens[k + 1] for a pair k of tokens[b : b + c]
BY_HEADING: Final = 40  # the same for many; b: the register of headings, tokens[c:] as _by_heading reads them
DATED: Final = 41  # a in the dated table tokens[c:] (kernels/membership) at the moment in number register b
DATED_PREFIX: Final = 42  # the same for hs_tokens, by prefix
# Truths from truths.
AND: Final = 48
OR: Final = 49
AND_NOT: Final = 50
NOT: Final = 51
COPY: Final = 52
FILL: Final = 53  # a: 0 or 1

BLOCK: Final = 2048
DIGITS: Final = 15
"""HS codes have at most so many digits (tokens.hs_token)."""
HEADINGS: Final = 10_002
"""Headings 0000 to 9999, one more for codes too short to have one, the last for unknown codes."""
HEADING_WORDS: Final = (HEADINGS + 31) // 32
_POWERS: Final = np.array([10**k for k in range(16)])


class Table(NamedTuple):
    """A program: what `run_rules` does.

    steps: int32[P, 5] (operation, destination, a, b, c); constants: float64[K], of which the first
    sizes[0] are number registers behind the fields; tokens: int64[T]; sizes: int64[5]: constant,
    number, code and truth registers, rules R. Registers are numbered fields first, then constants, then
    temporary ones; truth registers from sizes[3] on are the rules' own rows of the result.
    """

    steps: Array
    constants: Array
    tokens: Array
    sizes: Array


def run_rules(
    numbers: Array, codes: Array, table: Table, block: int = BLOCK, out: Array | None = None
) -> NDArray[np.uint8]:
    """Which rules hit which rows.

    numbers: float64[F, m]; codes: int64[C, m]; any strides, read-only arrays too.
    out: uint8[R, m], C order, to write to; a new one if None (fresh memory costs as much as the
    rules when m is large).
    Returns uint8[R, m], 1 where a rule hits.
    """
    numbers, codes = readonly(numbers, np.float64), readonly(codes, np.int64)
    shape = int(table.sizes[4]), max(numbers.shape[1], codes.shape[1])
    hits = np.empty(shape, np.uint8) if out is None else out
    if hits.shape != shape or hits.dtype != np.uint8 or not hits.flags.c_contiguous:
        raise ValueError(f"out must be uint8{list(shape)} in C order, not {hits.dtype}{list(hits.shape)}")
    steps, constants = readonly(table.steps, np.int32), readonly(table.constants, np.float64)
    tokens, sizes = readonly(table.tokens, np.int64), readonly(table.sizes, np.int64)
    block = max(1, min(block, shape[1]))
    _run(numbers, codes, steps, constants, tokens, sizes, block, hits)
    return hits


@kernel_across(membership)
def _run(
    numbers: Array,
    codes: Array,
    steps: Array,
    constants: Array,
    tokens: Array,
    sizes: Array,
    block: int,
    hits: Array,
) -> None:
    rows = hits.shape[1]
    number_work = np.empty((sizes[0] + sizes[1], block))
    code_work = np.empty((sizes[2], block), np.int64)
    truth_work = np.empty((sizes[3], block), np.uint8)
    for k in range(sizes[0]):
        number_work[k, :] = constants[k]
    for low in range(0, rows, block):
        high = min(low + block, rows)
        for p in range(len(steps)):
            op = steps[p, 0]
            if op < 16:
                _number_step(steps[p], numbers, number_work, low, high)
            elif op < HEADING:
                out = _truths(truth_work, hits, steps[p, 1], low, high)
                _compare_step(steps[p], numbers, number_work, constants, out, low)
            elif op <= ORDERED:
                a = _codes(codes, code_work, steps[p, 2], low, high)
                _hs_step(op, a, steps[p, 3], code_work[steps[p, 1] - len(codes), : high - low])
            elif op >= DATED and op <= DATED_PREFIX:
                out = _truths(truth_work, hits, steps[p, 1], low, high)
                a = _codes(codes, code_work, steps[p, 2], low, high)
                now = _numbers(numbers, number_work, steps[p, 3], low, high)
                if op == DATED:
                    dated(a, now, tokens[steps[p, 4] :], out)
                else:
                    dated_prefix(a, now, tokens[steps[p, 4] :], out)
            elif op < 48:
                out = _truths(truth_work, hits, steps[p, 1], low, high)
                _code_step(steps[p], codes, code_work, tokens, out, low)
            else:
                _truth_step(steps[p], truth_work, hits, low, high)


@inline
def _numbers(fields: Array, work: Array, register: int, low: int, high: int) -> Array:
    count = len(fields)
    if register < count:
        return fields[register, low:high]
    return work[register - count, : high - low]


@inline
def _codes(fields: Array, work: Array, register: int, low: int, high: int) -> Array:
    count = len(fields)
    if register < count:
        return fields[register, low:high]
    return work[register - count, : high - low]


@inline
def _truths(work: Array, hits: Array, register: int, low: int, high: int) -> Array:
    count = len(work)
    if register < count:
        return work[register, : high - low]
    return hits[register - count, low:high]


@inline
def _number_step(step: Array, fields: Array, work: Array, low: int, high: int) -> None:
    op = step[0]
    out = work[step[1] - len(fields), : high - low]
    a = _numbers(fields, work, step[2], low, high)
    if op >= NEGATIVE:
        if op == NEGATIVE:
            for i in range(out.size):
                out[i] = -a[i]
        elif op == ABSOLUTE:
            for i in range(out.size):
                out[i] = abs(a[i])
        else:
            for i in range(out.size):
                out[i] = math.log(a[i]) if a[i] > 0.0 else np.nan
        return
    b = _numbers(fields, work, step[3], low, high)
    if op == ADD:
        for i in range(out.size):
            out[i] = a[i] + b[i]
    elif op == SUBTRACT:
        for i in range(out.size):
            out[i] = a[i] - b[i]
    elif op == MULTIPLY:
        for i in range(out.size):
            out[i] = a[i] * b[i]
    elif op == DIVIDE:
        for i in range(out.size):
            out[i] = a[i] / (b[i] if b[i] != 0.0 else np.nan)
    elif op == REMAINDER:
        _remainder(a, b, out)
    else:
        _extreme(op, a, b, out)


@inline
def _remainder(a: Array, b: Array, out: Array) -> None:
    """C's fmod exactly, without its loop where the quotient is below 2^52.

    The quotient q is right or one too large; q * b is taken as a sum of two doubles (Dekker 1971,
    "A floating-point technique for extending the available precision"), so a - q * b is exact.
    """
    odd = 0
    for i in range(out.size):
        x, y = a[i], b[i]
        q = np.trunc(x / y)
        qs, ys = q * 134217729.0, y * 134217729.0
        qh, yh = qs - (qs - q), ys - (ys - y)
        ql, yl = q - qh, y - yh
        p = q * y
        r = (x - p) - (((qh * yh - p) + qh * yl + ql * yh) + ql * yl)
        wrong = (r < 0.0) if x > 0.0 else (r > 0.0)
        out[i] = r + (abs(y) if x > 0.0 else -abs(y)) if wrong else r
        odd |= (abs(q) >= 4503599627370496.0) | (abs(y) <= 1e-200) | (abs(y) >= 1e200)
    if odd:
        for i in range(out.size):
            if abs(a[i] / b[i]) >= 4503599627370496.0 or abs(b[i]) <= 1e-200 or abs(b[i]) >= 1e200:
                out[i] = np.fmod(a[i], b[i])


@inline
def _extreme(op: int, a: Array, b: Array, out: Array) -> None:
    """Minimum or maximum; unknown if either is. Of two equal ones (0.0 and -0.0) the first."""
    if op == MINIMUM:
        for i in range(out.size):
            least = b[i] if b[i] < a[i] else a[i]
            out[i] = least if b[i] == b[i] else b[i]
    else:
        for i in range(out.size):
            most = b[i] if b[i] > a[i] else a[i]
            out[i] = most if b[i] == b[i] else b[i]


@inline
def _compare_step(step: Array, fields: Array, work: Array, constants: Array, out: Array, low: int) -> None:
    op = step[0]
    a = _numbers(fields, work, step[2], low, low + out.size)
    if op >= KNOWN:
        if op == KNOWN:
            for i in range(out.size):
                out[i] = a[i] == a[i]
        else:
            for i in range(out.size):
                out[i] = a[i] != a[i]
    elif op >= LESS_C:
        _compare_constant(op, a, constants[step[3]], out)
    else:
        _compare_rows(op, a, _numbers(fields, work, step[3], low, low + out.size), out)


@inline
def _compare_constant(op: int, a: Array, c: float, out: Array) -> None:
    if op == LESS_C:
        for i in range(out.size):
            out[i] = a[i] < c
    elif op == AT_MOST_C:
        for i in range(out.size):
            out[i] = a[i] <= c
    elif op == MORE_C:
        for i in range(out.size):
            out[i] = a[i] > c
    elif op == AT_LEAST_C:
        for i in range(out.size):
            out[i] = a[i] >= c
    elif op == EQUAL_C:
        for i in range(out.size):
            out[i] = a[i] == c
    else:
        for i in range(out.size):
            out[i] = (a[i] < c) | (a[i] > c)


@inline
def _compare_rows(op: int, a: Array, b: Array, out: Array) -> None:
    if op == LESS:
        for i in range(out.size):
            out[i] = a[i] < b[i]
    elif op == AT_MOST:
        for i in range(out.size):
            out[i] = a[i] <= b[i]
    elif op == EQUAL:
        for i in range(out.size):
            out[i] = a[i] == b[i]
    else:
        for i in range(out.size):
            out[i] = (a[i] < b[i]) | (a[i] > b[i])


@inline
def _hs_step(op: int, a: Array, least: int, out: Array) -> None:
    """Make codes that are easy to look up.

    ORDERED: hs_tokens to codes whose prefixes are ranges: filled up to 15 digits with zeros, then
    how many digits there were. One with other signs than digits (a negative token) becomes 0, unknown.
    HEADING: ordered codes of at least `least` digits to their first four, filled up with zeros.
    """
    if op == ORDERED:
        for i in range(out.size):
            token = a[i]
            out[i] = (token >> 4) * _POWERS[DIGITS - (token & 15)] * 16 + (token & 15) if token > 0 else 0
    else:
        for i in range(out.size):
            short = HEADINGS - 2 if a[i] > 0 else HEADINGS - 1
            out[i] = a[i] // (16 * 10**11) if a[i] & 15 >= least else short


@inline
def _code_step(step: Array, fields: Array, work: Array, tokens: Array, out: Array, low: int) -> None:
    op = step[0]
    a = _codes(fields, work, step[2], low, low + out.size)
    if op == IS:
        c = tokens[step[3]]
        for i in range(out.size):
            out[i] = a[i] == c
    elif op == SAME:
        b = _codes(fields, work, step[3], low, low + out.size)
        for i in range(out.size):
            out[i] = (a[i] == b[i]) & (a[i] != 0)
    elif op == CODE_KNOWN:
        for i in range(out.size):
            out[i] = a[i] != 0
    elif op == CODE_UNKNOWN:
        for i in range(out.size):
            out[i] = a[i] == 0
    elif op == HASHED:
        hashed(a, tokens[step[3] : step[3] + step[4]], out)
    elif op == BY_HEADING:
        b = _codes(fields, work, step[3], low, low + out.size)
        _by_heading(a, b, tokens[step[4] :], out)
    else:
        _few(op, a, tokens[step[3] : step[3] + step[4]], out)


@inline
def _few(op: int, a: Array, among: Array, out: Array) -> None:
    """ANY_OF and IN_RANGES: one vectorised pass for each of a few codes or ranges."""
    out[:] = 0
    if op == ANY_OF:
        for k in range(among.size):
            c = among[k]
            for i in range(out.size):
                out[i] |= a[i] == c
    else:
        for k in range(0, among.size, 2):
            first, end = among[k], among[k + 1]
            for i in range(out.size):
                out[i] |= (a[i] >= first) & (a[i] < end)


@inline
def _odd(code: int, bounds: Array) -> int:
    """1 if an odd number of the sorted bounds is at most the code: it lies in a half-open range."""
    low, count = 0, bounds.size
    while count > 0:
        half = count // 2
        if bounds[low + half] <= code:
            low += half + 1
            count -= half + 1
        else:
            count = half
    return low & 1


@inline
def _by_heading(a: Array, headings: Array, table: Array, out: Array) -> None:
    """Ranges that are looked up by heading first.

    table: how many bounds there are; HEADING_WORDS words with two bits a heading, 0: no code of
    it is inside, 1: all are, 2: some are, which a search among the bounds decides; the bounds.
    """
    mixed = 0
    for i in range(out.size):
        h = headings[i]
        kind = (table[1 + (h >> 5)] >> ((h & 31) * 2)) & 3
        out[i] = kind
        mixed |= kind
    if mixed > 1:
        bounds = table[1 + HEADING_WORDS : 1 + HEADING_WORDS + table[0]]
        for i in range(out.size):
            if out[i] > 1:
                out[i] = _odd(a[i], bounds)


@inline
def _truth_step(step: Array, work: Array, hits: Array, low: int, high: int) -> None:
    op = step[0]
    out = _truths(work, hits, step[1], low, high)
    if op == FILL:
        out[:] = step[2]
        return
    a = _truths(work, hits, step[2], low, high)
    if op == COPY:
        for i in range(out.size):
            out[i] = a[i]
        return
    if op == NOT:
        for i in range(out.size):
            out[i] = a[i] ^ 1
        return
    b = _truths(work, hits, step[3], low, high)
    if op == AND:
        for i in range(out.size):
            out[i] = a[i] & b[i]
    elif op == OR:
        for i in range(out.size):
            out[i] = a[i] | b[i]
    else:
        for i in range(out.size):
            out[i] = a[i] & (b[i] ^ 1)
