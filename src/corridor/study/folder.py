"""The rulebook folder that a fit writes: what is copied, what is new, and all or nothing."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from corridor.errors import InputError
from corridor.features import hs_part
from corridor.messages.columns import Array
from corridor.messages.tokens import hs_text
from corridor.output import beside, publish, reason
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import PICTURE
from corridor.rulebook.rates import RateTable
from corridor.rulebook.rules import RuleSet
from corridor.rulebook.sample import sample_path
from corridor.study.material import Material

FITTED: Final = (
    "norms.parquet",
    "shares.parquet",
    "participants.parquet",
    "encodings.parquet",
    "model.txt",
    "model.yaml",
    "recovery.txt",
    PICTURE,
    "features.parquet",
)
KEY: Final = "sampling.key"
LEAST_OFFICE: Final = 20
LEAST_ITEMS: Final = 5
LEAST_IMPORTERS: Final = 2


@dataclass(frozen=True)
class Lists:
    """Lists of a fitted rulebook: own files, else the source rulebook's, else what the history supports.

    offices: those of at least 20 declarations; hs_nomenclature: HS6 codes of at least 5 items of at
    least 2 importers.
    """

    offices: Path | None = None
    hs_nomenclature: Path | None = None

    def write(self, material: Material, folder: Path) -> None:
        """Write both lists into a rulebook folder."""
        (folder / "lists").mkdir(exist_ok=True)
        for name, own, codes in (
            ("offices", self.offices, _offices),
            ("hs_nomenclature", self.hs_nomenclature, _hs6),
        ):
            target = folder / "lists" / f"{name}.csv"
            if own is not None:
                _copy(own, target)
            elif not target.exists():
                target.write_text("\n".join(["code", *codes(material)]) + "\n", encoding="utf-8")


def check_output(output: Path) -> None:
    """Refuse a folder that holds something: a rulebook is never written over another.

    Raises InputError.
    """
    try:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise InputError(f"{output} holds something already: give a new or empty folder for the rulebook")
        parent = output.resolve().parent
        if not parent.is_dir():
            raise InputError(f"{parent} does not exist: make it, or give another --output")
    except OSError as error:
        raise InputError(f"{output}: {reason(error)}; choose another --output") from error


@contextmanager
def staged(output: Path) -> Iterator[Path]:
    """A folder beside `output` that becomes it at the end, or vanishes if something fails."""
    stage = beside(output) / f".{output.name}.unfinished"
    shutil.rmtree(stage, ignore_errors=True)
    try:
        stage.mkdir()
        yield stage
        publish(stage, output)
    except OSError as error:
        place = error.filename or output
        raise InputError(f"{place}: {reason(error)}; nothing was written, mend that and fit again") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def copy_source(source: Path, stage: Path, rates: list[Path | None]) -> None:
    """Copy rules, lists and policy of a rulebook; exchange rates of CSV files take the place of its own.

    Where two files have a rate for one day, the later file's serves. The first may be missing.
    """
    left_out = {MANIFEST, KEY, *FITTED}

    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if any(part in left_out or part.startswith((".", "_")) for part in inside.parts):
            continue
        if path.is_dir():
            (stage / inside).mkdir()
        else:
            shutil.copyfile(path, stage / inside)
    history, own = rates
    if own is not None and not own.is_file():
        raise InputError(f"{own} is not a file: give a CSV with currency, date and rate")
    files = [path for path in (history, own) if path is not None and path.is_file()]
    if files:
        (stage / "rates.csv").unlink(missing_ok=True)
        pq.write_table(_rates(files), stage / "rates.parquet", compression="zstd")


def _rates(files: list[Path]) -> pa.Table:
    kinds = {"currency": pl.String, "date": pl.Date, "rate": pl.Float64}
    tables = []
    for path in files:
        RateTable.load(path)  # says what is wrong with it, and in which line
        tables.append(pl.read_csv(path, columns=list(kinds), schema_overrides=kinds).select(list(kinds)))
    rates = pl.concat(tables).unique(["currency", "date"], keep="last").sort("currency", "date")
    schema = pa.schema([("currency", pa.string()), ("date", pa.date32()), ("rate", pa.float64())])
    return pa.table(rates.to_dict(as_series=False), schema)  # pyarrow raises OSError where polars does not


def write_key(source: Path, stage: Path, own: Path | None) -> None:
    """Write the sampling key: the given one, else the source's, but never the public sample's."""
    if own is not None:
        _copy(own, stage / KEY)
    elif (source / KEY).is_file() and source.resolve() != sample_path().resolve():
        _copy(source / KEY, stage / KEY)
    else:
        (stage / KEY).write_text(secrets.token_hex(32) + "\n", encoding="ascii")


def write_thresholds(stage: Path, rows: list[dict[str, float | str]]) -> None:
    """Put the thresholds into corridors.yaml; everything else in it stays as it is."""
    path, yaml = stage / "corridors.yaml", YAML()
    policy = yaml.load(path.read_text(encoding="utf-8"))
    policy["thresholds"] = rows
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(policy, file)


def write_weights(stage: Path, rules: RuleSet) -> None:
    """Put the weights of scored rules into rules.yaml; comments and everything else stay as they are."""
    path, yaml = stage / "rules.yaml", YAML()
    yaml.width, yaml.preserve_quotes = 200, True
    document = yaml.load(path.read_text(encoding="utf-8"))
    weights = {rule.id: rule.weight for rule in rules.rules if rule.response == "score"}
    for entry in document["rules"]:
        if entry["id"] in weights and "weight" in entry:
            entry["weight"] = weights[entry["id"]]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise InputError(f"{source} is not a file: give one that exists")
    shutil.copyfile(source, target)


def _offices(material: Material) -> list[str]:
    office = pl.Series("office", material.batch.heads["office"][material.original])
    counts = office.value_counts().filter(pl.col("count") >= LEAST_OFFICE)
    return sorted(text for text in material.texts(counts["office"].to_list()) if text)


def _hs6(material: Material) -> list[str]:
    batch, rows = material.batch, material.original[material.declaration]
    owner: Array = material.declaration[rows]
    goods = pl.DataFrame(
        {"hs6": hs_part(batch.items["hs_code"][rows], 6), "importer": batch.heads["importer"][owner]}
    )
    counts = goods.filter(pl.col("hs6") != 0).group_by("hs6").agg(pl.len(), pl.col("importer").n_unique())
    enough = counts.filter((pl.col("len") >= LEAST_ITEMS) & (pl.col("importer") >= LEAST_IMPORTERS))
    return sorted(hs_text(code) for code in enough["hs6"].to_list())
