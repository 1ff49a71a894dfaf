"""Quiet days of the service for bench/detector.py: declarations as columns, and their totals by bin."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from corridor.picture.hourly import BIN, HOUR, PER_LOG, Hourly, merge
from corridor.picture.norms import PictureNorms, fit
from corridor.simulate import Options, Service, catalogue
from corridor.simulate.day import day as simulated
from corridor.simulate.followups import QUIET
from corridor.simulate.offices import load as offices

START = date(2026, 8, 31)
DAY = 24 * HOUR
AUTOMATIC = 0.8


@dataclass
class Goods:
    """Declarations as columns, and their goods items: what totals are made of."""

    heads: pd.DataFrame
    items: pd.DataFrame


def goods(seed: int, when: date, size: int) -> Goods:
    """A quiet day of the service: originals in their time, four in five released automatically."""
    made = simulated(Service(seed), when, size, Options(planted=False, mix=QUIET)).originals
    table, places = catalogue.load(), offices()
    heads = pd.DataFrame(
        {
            "at": made.heads["registered"].astype(np.int64) * 1000,
            "office": np.array(places.codes, object)[made.heads["office"]],
            "importer": made.heads["importer"].astype(np.int64),
            "automatic": np.random.default_rng([seed, when.toordinal()]).random(len(made)) < AUTOMATIC,
        }
    )
    chapters = np.array([code[:2] for code in table.hs], object)
    items = pd.DataFrame(
        {
            "row": made.owner(),
            "origin_country": np.array(table.countries, object)[made.items["origin"]],
            "hs_chapter": chapters[made.items["good"]],
            "value": made.items["value"],
            "log": np.log(np.maximum(made.items["value"], 1) / np.maximum(made.items["net"], 1)),
        }
    )
    return Goods(heads, items)


def totals(day: Goods) -> Hourly:
    """Totals by bin, as the job makes them."""
    heads = day.heads.assign(hour=day.heads["at"] // BIN * BIN)
    parts = [
        _counted(heads, "service", pd.Series("all", index=heads.index)),
        _counted(heads, "office", heads["office"]),
    ]
    parts.append(_counted(heads, "importer", heads["importer"].astype(str)))
    for name in ("origin_country", "hs_chapter"):
        each = day.items.drop_duplicates(["row", name])
        own = heads.loc[each["row"].to_numpy()].reset_index(drop=True)
        parts.append(_counted(own, f"office/{name}", own["office"] + "/" + each[name].to_numpy()))
    items = day.items.assign(hour=heads["hour"].reindex(day.items["row"]).to_numpy())
    logs = np.rint(items["log"] * PER_LOG).astype(np.int64)
    cell = items["hs_chapter"] + "/" + items["origin_country"]
    each = (
        items.assign(cell=cell, log_price=logs)
        .groupby(["row", "cell", "hour"], sort=False)["log_price"]
        .mean()
        .reset_index()
    )
    each = each.assign(log_price=np.rint(each["log_price"]).astype(np.int64), items=1)
    sums = each.groupby(["cell", "hour"])
    price = sums[["items", "log_price"]].sum().reset_index(names=["value", "hour"]).assign(dimension="price")
    frame = pd.concat([*parts, price.assign(declarations=price["items"])], ignore_index=True).fillna(0)
    counts = ("declarations", "items", "customs_value", "green", "blue", "yellow", "red", "log_price")
    given = {name: frame[name].to_numpy() for name in counts if name in frame}
    return Hourly.of(
        frame["hour"].to_numpy(), frame["dimension"].to_numpy(object), frame["value"].to_numpy(object), given
    )


def _counted(heads: pd.DataFrame, dimension: str, value: "pd.Series[str]") -> pd.DataFrame:
    grouped = heads.assign(value=value.to_numpy(), declarations=1, green=heads["automatic"].astype(np.int64))
    grouped = grouped.assign(red=1 - grouped["green"])
    sums = (
        grouped.groupby(["value", "hour"], sort=False)[["declarations", "green", "red"]].sum().reset_index()
    )
    return sums.assign(dimension=dimension)


def micros(when: date) -> int:
    """Midnight of a day, microseconds since 1970."""
    return int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()) * 1_000_000


def learned(seed: int, size: int, history: int) -> PictureNorms:
    """Norms of so many days from START on, as `corridor picture fit` makes them."""
    parts = []
    for n in range(history):
        day = totals(goods(seed, START + timedelta(n), size))
        coarse = np.isin(day.dimension, ("service", "office"))
        hours = np.where(coarse, day.hour, day.hour // HOUR * HOUR)
        parts.append(merge([Hourly(hours, *(getattr(day, name) for name in day.__slots__[1:]))]))
    return PictureNorms.of(fit(merge(parts), "RU"))
