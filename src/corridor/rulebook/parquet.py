"""The rulebook's parquet files, read with pyarrow and checked column by column."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.kernels.tokens import hs_tokens, tokens
from corridor.messages.skeleton import tokens_of

Int64s = NDArray[np.int64]


class Columns:
    """The columns of one parquet file of the rulebook, with errors that name file, column and row."""

    def __init__(self, path: Path, names: Iterable[str], together: tuple[str, ...] = ()) -> None:
        """Read a file that needs the columns `names`, and may have those that stand `together`, all or none."""
        self.path = path
        wanted = list(names)
        try:
            self._table = pq.ParquetFile(path).read()  # read_table would load pyarrow.dataset too
            self._table.validate(full=True)  # texts that are no UTF-8, offsets beyond their buffer
        except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: names that are no UTF-8
            raise RulebookError(f"{path}: not a readable parquet file ({error}); write it again") from error
        if any(name in self._table.column_names for name in together):
            wanted += together
        missing = [name for name in wanted if name not in self._table.column_names]
        twice = [name for name in wanted if self._table.column_names.count(name) > 1]
        if missing:
            raise RulebookError(f"{path}: column {missing[0]!r} is missing; it needs {', '.join(wanted)}")
        if twice:
            raise RulebookError(f"{path}: column {twice[0]!r} stands twice; keep one")

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def fail(self, row: int, what: str) -> RulebookError:
        """Make the error for a row (counted from 1); the caller raises it."""
        return RulebookError(f"{self.path}: row {row + 1}: {what}")

    def refuse(self, bad: NDArray[np.bool_], what: str) -> None:
        """Raise for the first row where `bad` holds."""
        if bad.any():
            raise self.fail(int(bad.argmax()), what)

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._table.column_names

    def empty(self, name: str) -> NDArray[np.bool_]:
        """bool[n]: the rows in which a column is empty."""
        return np.asarray(self._table.column(name).is_null().to_numpy(), np.bool_)

    def _cast(self, name: str, kind: pa.DataType, nullable: bool) -> Any:
        column = self._table.column(name)
        if column.null_count and not nullable:
            row = int(np.argmax(column.is_null().to_numpy()))
            raise self.fail(row, f"{name} is empty; give a value")
        try:
            return column.cast(kind)
        except pa.ArrowException as error:
            what = f"column {name!r} is {column.type}, not {kind} ({error})"
            raise RulebookError(f"{self.path}: {what}") from error

    def numbers(self, name: str) -> NDArray[np.float64]:
        """float64[n]; an empty cell is NaN."""
        column = self._cast(name, pa.float64(), nullable=True)
        return np.asarray(column.fill_null(np.nan).to_numpy(), np.float64)

    def integers(self, name: str) -> Int64s:
        """int64[n]; no empty cells."""
        return np.asarray(self._cast(name, pa.int64(), nullable=False).to_numpy(), np.int64)

    def times(self, name: str) -> Int64s:
        """int64[n], microseconds since 1970 in UTC; a column without a zone is taken as UTC."""
        zone = getattr(self._table.column(name).type, "tz", None)
        column = self._cast(name, pa.timestamp("us", tz=zone), nullable=False)
        return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)

    def texts(self, name: str) -> NDArray[np.object_]:
        """object[n] of str; an empty cell is ''."""
        column = self._cast(name, pa.string(), nullable=True).fill_null("").combine_chunks()
        coded = column.dictionary_encode()  # one str for each different text
        different = np.array(coded.dictionary.to_pylist(), object)
        return np.asarray(different[coded.indices.to_numpy()], object)

    def tokens(self, name: str, hs: bool = False) -> Int64s:
        """int64[n]: the texts' tokens (`hs_token` if hs); an empty cell is 0."""
        column = self._cast(name, pa.large_string(), nullable=True).fill_null("").combine_chunks()
        if len(column) == 0:
            return np.empty(0, np.int64)
        _, offsets, text = column.buffers()
        bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        raw = np.frombuffer(text or b"", np.uint8)
        if raw.size and raw.max() >= 128:  # as the stream matches them
            return tokens_of(column.to_pylist(), hs)
        return (hs_tokens if hs else tokens)(raw, bounds)
