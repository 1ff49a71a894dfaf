"""The CSV file of an extract: rows with their line numbers, and errors that name line and column."""

import codecs
import csv
import difflib
import io
from collections.abc import Iterator
from pathlib import Path

from corridor.errors import InputError
from corridor.study.mapping import Mapping

Row = list[str]


class Sheet:
    """The rows of the CSV file with their lines."""

    def __init__(self, mapping: Mapping, source: Path) -> None:
        self.source, self.line, self.width = source, 1, 0
        encoding = codecs.lookup(mapping.encoding).name
        self._raw = source.open("rb")
        self._file = io.TextIOWrapper(self._raw, "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
        self._mapping = mapping
        self._reader = csv.reader(self._file, delimiter=mapping.delimiter, strict=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def position(self) -> int:
        """Give the bytes read so far, about."""
        return self._raw.tell()

    def fault(self, problem: str, column: str | None = None) -> InputError:
        """Make an error that names file, line and column."""
        where = f", column {column!r}" if column else ""
        return InputError(f"{self.source}, line {self.line}{where}: {problem}")

    def header(self) -> dict[str, int]:
        """Give the column names with their places; those that the mapping reads must all be there, once."""
        names = [name.strip() for name in next(self._rows(), [])]
        if not names:
            raise self.fault("the file is empty; give a CSV file with a header line")
        for wanted in self._mapping.columns():
            if names.count(wanted) > 1:
                raise self.fault("the header names this column twice; rename one of them", wanted)
            if wanted not in names:
                near = difflib.get_close_matches(wanted, names, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"columns are: {', '.join(names[:30])}"
                raise self.fault(f"the mapping reads this column, but the header has none; {hint}", wanted)
        self.width = len(names)
        return {name: place for place, name in enumerate(names)}

    def rows(self) -> Iterator[Row]:
        """Give the rows behind the header; blank lines are passed over."""
        for row in self._rows():
            if len(row) == self.width:
                yield row
            elif row:
                raise self.fault(
                    f"{len(row)} fields where the header has {self.width}; put texts with "
                    f"{self._mapping.delimiter!r} in quotes, or state input.delimiter"
                )

    def _rows(self) -> Iterator[Row]:
        while True:
            self.line = self._reader.line_num + 1
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except UnicodeError:
                raise self.fault(
                    f"bytes that are not {self._mapping.encoding} on this line or a "
                    "little after it; state input.encoding, such as windows-1251"
                ) from None
            except csv.Error as error:
                raise self.fault(f"not CSV ({error}); mend the quotes") from None
            yield row
