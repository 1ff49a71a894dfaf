"""A history decoded once, block by block, into files of columns; what lineage and histories need stays in memory.

A declaration takes about 1 kB of memory at the peak and 0.5 kB of the folder: years of one service fit on one machine.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.features import total_minor
from corridor.messages.columns import HEAD, ITEM, Array, Declarations
from corridor.messages.contributions import names
from corridor.messages.declaration import decode_lines
from corridor.study.history import declared_value
from corridor.study.read import concatenate, ndjson_files, raw_blocks

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Block:
    """A file of n declarations with m items and `text` bytes of texts; the first one is row `first` of the history."""

    path: Path
    first: int
    n: int
    m: int
    text: int

    @property
    def rows(self) -> slice:
        """Its rows of the history."""
        return slice(self.first, self.first + self.n)

    def load(self) -> Declarations:
        """Read the declarations back."""
        raw = np.fromfile(self.path, np.uint8)
        sizes = (self.n * HEAD.itemsize, self.m * ITEM.itemsize, (self.n + 1) * 8, self.n * 8, self.text)
        heads, items, offsets, starts, text = np.split(raw, np.cumsum(sizes)[:-1])
        return Declarations(
            heads.view(HEAD), items.view(ITEM), offsets.view(np.int64), text, starts.view(np.int64)
        )


@dataclass(frozen=True)
class Decoded:
    """A history: its blocks, and of all n declarations what is needed beside them.

    heads: the declarations without their items; value, payments: int64[n], minor units; offices: texts by token.
    """

    blocks: tuple[Block, ...]
    heads: Declarations
    value: NDArray[np.int64]
    payments: NDArray[np.int64]
    offices: dict[int, str]
    items: int
    rejected: int

    def __len__(self) -> int:
        return len(self.heads)


@dataclass(frozen=True, slots=True)
class _Part:
    block: Block
    heads: Declarations
    value: NDArray[np.int64]
    payments: NDArray[np.int64]
    offices: dict[int, str]
    rejected: int


def decode(
    path: Path, folder: Path, threads: int | None = None, tell: Callable[[int], None] = lambda _: None
) -> Decoded:
    """Decode an NDJSON file or a folder of them into `folder`, in the order of the files' names.

    tell: is given the bytes read after each block. Raises InputError where nothing could be decoded.
    """
    parts: list[_Part] = []
    numbered = ((number, *block) for number, block in enumerate(raw_blocks(ndjson_files(path))))

    def work(one: tuple[int, bytes, int]) -> tuple[_Part, int]:
        return _decoded(folder / f"{one[0]}.block", one[1], one[2]), len(one[1])

    first, read = 0, 0
    for part, size in in_order(work, numbered, threads):
        parts.append(replace(part, block=replace(part.block, first=first)))
        first, read = first + part.block.n, read + size
        tell(read)
    rejected = sum(part.rejected for part in parts)
    if not first:
        raise InputError(
            f"{path} holds no usable declaration ({rejected} rejected): "
            "look at `corridor run decide` on it, its rejects say why"
        )
    return Decoded(
        tuple(part.block for part in parts),
        concatenate([part.heads for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.payments for part in parts]),
        {code: text for part in parts for code, text in part.offices.items()},
        sum(part.block.m for part in parts),
        rejected,
    )


def in_order(work: Callable[[T], U], given: Iterable[T], threads: int | None = None) -> Iterator[U]:
    """What `work` makes of each, in their order, on all cores: kernels let go of the interpreter's lock.

    Few are held at once, so `given` may be longer than memory.
    """
    workers = threads or os.cpu_count() or 1
    waiting: deque[Future[U]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for one in given:
            waiting.append(pool.submit(work, one))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decoded(path: Path, raw: bytes, changed: int) -> _Part:
    decoded = decode_lines(raw, changed)
    batch = decoded.declarations
    heads = np.ascontiguousarray(batch.heads)
    columns: tuple[Array, ...] = (
        heads,
        np.ascontiguousarray(batch.items),
        np.asarray(batch.offsets, np.int64),
        np.asarray(batch.text_starts, np.int64),
        np.ascontiguousarray(batch.text),
    )
    with path.open("wb") as file:
        for column in columns:
            file.write(column.view(np.uint8).data)
    light = Declarations(
        heads, np.zeros(0, ITEM), np.zeros(len(heads) + 1, np.int64), columns[4].copy(), columns[3].copy()
    )
    codes, first = np.unique(heads["office"], return_index=True)
    known = names(batch.take(first), "office").tolist()
    return _Part(
        Block(path, 0, len(batch), len(batch.items), len(batch.text)),
        light,
        declared_value(batch),
        np.asarray(total_minor(batch, "payments"), np.int64),
        dict(zip(codes.tolist(), known, strict=True)),
        len(decoded.rejects.rows),
    )
