"""An administration's own extract (CSV) to declarations and results, by a mapping.

Rows stream through; each declaration goes to the file of its day (UTC), and every file is put in order
of time at the end. Nothing appears under its final name before the whole input has been read.
"""

import codecs
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corridor.errors import InputError
from corridor.output import filled
from corridor.study.mapping import Field, Mapping
from corridor.study.sheet import Row, Sheet
from corridor.study.values import BadValueError, Reader, reader

CHUNK: Final = 20_000
"""Lines held before they are put on disk."""


@dataclass(frozen=True)
class Converted:
    """How much was written."""

    rows: int
    declarations: int
    results: int
    files: int


def convert(
    mapping: Mapping, source: Path, output: Path, progress: Callable[[int, int], None] | None = None
) -> Converted:
    """Convert a CSV file into output/declarations/YYYY-MM-DD.ndjson and output/results/.

    progress(bytes read, rows) is called now and then. Raises InputError that names file, line (from 1) and
    column for what cannot be converted; then nothing is left behind.
    """
    check(mapping, source, output)
    with filled(output):
        return _run(mapping, source, output, progress or (lambda done, rows: None))


def check(mapping: Mapping, source: Path, output: Path) -> None:
    """Check paths and the mapping's form before anything is written. Raises InputError."""
    if not os.path.isfile(source):  # noqa: PTH113  # Path.is_file raises where a folder may not be entered
        raise InputError(f"input {source} is not a file: give the path of a CSV file")
    if not os.access(source, os.R_OK):
        raise InputError(f"{source}: no permission to read it; change its rights or run as another user")
    try:
        codecs.lookup(mapping.encoding)
    except LookupError:
        raise InputError(
            f"mapping {mapping.name}: unknown encoding {mapping.encoding!r}; try utf-8 or windows-1251"
        ) from None
    if len(mapping.delimiter) != 1:
        raise InputError(f"mapping {mapping.name}: input.delimiter must be one character")


class _Converter:
    """Compiled readers of one mapping for one header."""

    def __init__(self, mapping: Mapping, places: dict[str, int]) -> None:
        def compiled(fields: list[Field]) -> list[tuple[str, Reader]]:
            return [(f'"{f.name}":', reader(f, mapping, places)) for f in fields if f.source != "count"]

        self.by_item, self.when = mapping.by_item, ""
        self.counted = any(field.source == "count" for field in mapping.items)
        heads = dict(compiled(mapping.head))
        self.id, self.time = heads.pop('"declaration_id":'), heads.pop('"registered_at":')
        self.heads = list(heads.items())
        self.items = compiled(mapping.items)
        self.results = compiled(mapping.results)
        self.item_no = next((read for key, read in self.items if key == '"item_no":'), None)
        self.cases = [
            ([(places[c], text) for c, text in case.when.items()], case.then) for case in mapping.cases
        ]

    def item(self, row: Row, number: int) -> str:
        parts = [key + value for key, read in self.items if (value := read(row))]
        return "{" + ",".join([f'"item_no":{number}', *parts] if self.counted else parts) + "}"

    def opening(self, row: Row) -> str:
        """The time and all of a declaration that stands before its items."""
        parts = [key + value for key, read in self.heads if (value := read(row))]
        self.when = self.time(row)
        start = f'{self.when[1:-1]}{{"declaration_id":{self.id(row)},"registered_at":{self.when},'
        return start + ",".join(parts) + ',"items":['

    def result(self, row: Row, number: int) -> str | None:
        """One result of the declaration opened last; None for labels that fit no case (not inspected)."""
        for wanted, finding in self.cases:
            if all(row[place].strip() == text for place, text in wanted):
                parts = [key + value for key, read in self.results if (value := read(row))]
                no = self.item_no(row) if self.item_no else str(number)
                head = f'{{"declaration_id":{self.id(row)},"item_no":{no},"finding":"{finding}",'
                return self.when[1:-1] + head + ",".join(parts) + "}"
        return None


class _Folder:
    """Lines by day, on disk in a folder that gets its name at the end."""

    def __init__(self, output: Path, name: str) -> None:
        self._part, self._final = output / f"{name}.part", output / name
        self._held: dict[str, list[str]] = defaultdict(list)
        self._days: set[str] = set()
        self._waiting = self.count = 0

    def add(self, line: str, items: list[str] | None = None) -> None:
        """Keep a line that begins with its time; items end the declaration that it opens."""
        if items is not None:
            if not items:
                return
            line += ",".join(items) + "]}"
        self._held[line[:10]].append(line)
        self.count += 1
        self._waiting += 1
        if self._waiting >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._part.mkdir(exist_ok=True)
        for day, lines in self._held.items():
            with (self._part / f"{day}.ndjson").open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(line + "\n" for line in lines)
        self._days |= self._held.keys()
        self._held.clear()
        self._waiting = 0

    def finish(self) -> int:
        """Put each file in order of time, and the folder in place; gives the number of files."""
        self._flush()
        for day in sorted(self._days):
            path = self._part / f"{day}.ndjson"
            lines = path.read_text("utf-8").split("\n")[:-1]
            lines.sort(key=lambda line: line[:24])
            path.write_text("".join(line[24:] + "\n" for line in lines), "utf-8", newline="\n")
        self._part.rename(self._final)
        return len(self._days)


@contextmanager
def _placed(sheet: Sheet) -> Iterator[None]:
    try:
        yield
    except BadValueError as bad:
        raise sheet.fault(bad.problem, bad.column) from None


def _run(mapping: Mapping, source: Path, output: Path, progress: Callable[[int, int], None]) -> Converted:
    sheet, rows = Sheet(mapping, source), 0
    declarations, results = _Folder(output, "declarations"), _Folder(output, "results")
    opening, name = "", ""
    items: list[str] = []
    try:
        converter = _Converter(mapping, sheet.header())
        for row in sheet.rows():
            rows += 1
            with _placed(sheet):
                current = converter.id(row) if converter.by_item else ""
                if not items or not converter.by_item or current != name:
                    declarations.add(opening, items)
                    opening, items, name = converter.opening(row), [], current
                items.append(converter.item(row, len(items) + 1))
                result = converter.result(row, len(items))
            if result:
                results.add(result)
            if rows % CHUNK == 0:
                progress(sheet.position(), rows)
        if not items:
            raise sheet.fault("a header and no rows; give a file with data")
        declarations.add(opening, items)
    finally:
        sheet.close()
    files = declarations.finish() + (results.finish() if mapping.cases else 0)
    progress(source.stat().st_size, rows)
    return Converted(rows, declarations.count, results.count, files)
