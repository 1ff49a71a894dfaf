"""The end of a run over files: the totals of the table `bins` through the picture's detector."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from corridor.messages.anomaly import encode
from corridor.picture.changes import cell_name
from corridor.picture.detector import Bin
from corridor.picture.hourly import BIN, COUNTS, SERVICE, Hourly
from corridor.picture.norms import FILE, PictureNorms
from corridor.picture.replay import folded, stretches
from corridor.picture.successive import Successive
from corridor.rulebook.load import Shelf


def read_bins(rows: Path) -> pl.DataFrame:
    """The rows that the job wrote, in the order of time; texts stay Arrow's, for there may be one a declaration."""
    parts = [path for path in sorted(rows.rglob("*")) if path.is_file() and path.stat().st_size]
    schema = {"moment": pl.Int64, "cell": pl.String} | dict.fromkeys(COUNTS, pl.Int64)
    table = pl.concat([pl.DataFrame(schema=schema), *(pl.read_ndjson(path, schema=schema) for path in parts)])
    return table.sort("moment", "cell")


def services(table: pl.DataFrame) -> Hourly:
    """Totals of the whole service, by which days are found."""
    own = table.filter(pl.col("cell") == cell_name("service", SERVICE))
    counts: dict[str, object] = {"declarations": own["declarations"].to_numpy()}
    names = ["service"] * len(own), [SERVICE] * len(own)
    return Hourly.of(own["moment"].to_numpy() * BIN, *names, counts)


def bins(table: pl.DataFrame, first: int, last: int) -> Iterator[Bin]:
    """The bins from `first` to `last` of a table in the order of time; these two even if nothing came in them."""
    moment = table["moment"].to_numpy()
    starts = np.searchsorted(moment, np.arange(first, last + 2))
    for at, start, stop in zip(range(first, last + 1), starts[:-1], starts[1:], strict=True):
        if stop > start or at in (first, last):
            part = table[int(start) : int(stop)]
            yield Bin(at, part["cell"].to_list(), part.select(COUNTS).to_numpy().astype(np.int64))


def write_anomalies(rows: Path, shelf: Shelf, into: Path) -> int:
    """Write what left its norm as a further file of `into`, the newest message of each episode; how many.

    Each bin goes by the norms in force as it ends, as in a stream; those of the last hour say what a day is.
    """
    table = read_bins(rows)
    if not len(table):
        return 0
    _, folder = shelf.holding(FILE, int(table["moment"].to_numpy()[-1]) * BIN)
    runs = (bins(table, *stretch) for stretch in stretches(services(table), PictureNorms.load(folder)))
    found = folded(runs, Successive(lambda at: shelf.holding(FILE, at)))
    if found:
        into.mkdir(parents=True, exist_ok=True)
        (into / "picture.ndjson").write_bytes(b"".join(encode(anomaly) + b"\n" for anomaly in found))
    return len(found)
