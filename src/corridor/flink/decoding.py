"""The UDF that decodes: bytes of a message in, packed columns or a reject out, a batch at a time."""

import secrets
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.accounts import ACCOUNT, read_account
from corridor.flink.metrics import Metrics
from corridor.flink.worker import Counters, series, true_print

ROW = DataTypes.ROW(
    [
        DataTypes.FIELD("reject", DataTypes.BYTES()),
        DataTypes.FIELD("reject_at", DataTypes.BIGINT()),
        DataTypes.FIELD("code", DataTypes.STRING()),
        DataTypes.FIELD("pointer", DataTypes.STRING()),
        DataTypes.FIELD("row_id", DataTypes.BIGINT()),
        DataTypes.FIELD("hashed_id", DataTypes.BIGINT()),
        DataTypes.FIELD("declaration_id", DataTypes.STRING()),
        DataTypes.FIELD("version", DataTypes.INT()),
        DataTypes.FIELD("act", DataTypes.TINYINT()),
        DataTypes.FIELD("registered_at", DataTypes.BIGINT()),
        DataTypes.FIELD("content", DataTypes.BIGINT()),
        DataTypes.FIELD("importer", DataTypes.BIGINT()),
        DataTypes.FIELD("declarant", DataTypes.BIGINT()),
        DataTypes.FIELD("exporter", DataTypes.BIGINT()),
        DataTypes.FIELD("customs_value", DataTypes.BIGINT()),
        DataTypes.FIELD("packed", DataTypes.BYTES()),
        DataTypes.FIELD("account", ACCOUNT),
    ]
)
"""reject: reject.v1, or the original bytes, or null; code, pointer: what is wrong; row_id: unique in this run, by
which the halves of a record meet again; hashed_id: a hash of declaration_id, to sort by; act: index into
FUNCTIONS; parties: tokens; customs_value: minor units; account: see `accounts`."""
_HEADS = {
    "version": "version",
    "act": "function",
    "registered_at": "registered_at",
    "content": "content",
    "importer": "importer",
    "declarant": "declarant",
    "exporter": "exporter",
}


class Decode(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """payload, ingestion time, origin, partition, offset -> ROW. Of a tombstone every column is null or 0.

    replay: take the data's own clock; else times after now + 5 minutes are capped (bad-input 21); raw: give
    rejects as their original bytes, where the reader tells code and pointer apart from them.
    """

    def __init__(self, progress: str | None, replay: bool, raw: bool = False) -> None:
        self._progress, self._replay, self._raw = progress, replay, raw

    def open(self, function_context: Any) -> None:
        """Load the decoder and its kernels, once a worker."""
        with true_print():
            from corridor.messages import declaration  # noqa: F401, PLC0415  # numba needs the true print
        self._counters, self._metrics = Counters(self._progress), Metrics(function_context)
        self._next_row = secrets.randbits(62)

    def eval(self, payload: Any, ingested_at: Any, origin: Any, part: Any, place: Any) -> pd.DataFrame:
        """Decode one batch: pandas series of bytes, times, texts and numbers."""
        from corridor.messages.declaration import decode  # noqa: PLC0415  # loaded in `open`
        from corridor.messages.packed import pack  # noqa: PLC0415
        from corridor.messages.sums import amounts, totals  # noqa: PLC0415

        payloads = payload.tolist()
        ingested = ingested_at.to_numpy("datetime64[us]").astype(np.int64)
        decoded = decode(
            payloads, ingested, None if self._replay else int(pd.Timestamp.now("UTC").value // 1000)
        )
        batch, n = decoded.declarations, len(payloads)
        out: dict[str, Any] = {field.name: None for field in ROW.fields}
        out["row_id"] = self._next_row + np.arange(n)
        self._next_row += n
        for name, field in _HEADS.items():
            out[name] = _spread(batch.heads[field], decoded.rows, n)
        value = totals(batch.offsets, amounts(batch.items))[:, 0]
        out["customs_value"] = _spread(value, decoded.rows, n)
        names = identities(batch)
        out["declaration_id"] = _objects(names, decoded.rows, n)
        out["hashed_id"] = _spread(_hashes(batch), decoded.rows, n)
        out["packed"] = _objects(pack(batch), decoded.rows, n)
        out |= _rejects(payloads, origin, decoded.rejects, self._raw)
        rejected = np.zeros(n, np.bool_)
        rejected[decoded.rejects.rows] = True
        empty = np.array([payload is None for payload in payloads], np.bool_)
        parts, places = (series(column, n).to_numpy(np.int64) for column in (part, place))
        out["account"] = read_account(parts, places, rejected, empty)
        self._counters.add("read", n)
        self._counters.add("rejected", len(decoded.rejects.rows))
        self._metrics.count("read", n)
        self._metrics.count("tombstones", int(empty.sum()))
        for code, rejects in Counter(decoded.rejects.codes).items():
            self._metrics.count("rejected", rejects, code=code)
        return pd.DataFrame(out)


def identities(batch: Any) -> list[str]:
    """The declaration_id of each declaration of a batch."""
    text = batch.text.tobytes()
    starts = batch.text_starts.tolist()
    ends = (batch.text_starts + batch.heads["id_length"]).tolist()
    return [text[start:end].decode() for start, end in zip(starts, ends, strict=True)]


def _hashes(batch: Any) -> Any:
    """int64[n]: the token of each declaration_id; what lies between two of them is passed over."""
    from corridor.kernels.tokens import tokens  # noqa: PLC0415

    ends = batch.text_starts + batch.heads["id_length"]
    return tokens(batch.text, np.stack([batch.text_starts, ends], axis=1).ravel())[::2]


def _rejects(payloads: list[bytes], origin: Any, rejects: Any, raw: bool) -> dict[str, Any]:
    from corridor.messages.reject import MAX_BYTES, encode_reject, registered_at  # noqa: PLC0415

    out = {name: np.full(len(payloads), None) for name in ("reject", "reject_at", "code", "pointer")}
    for row, code, pointer in zip(rejects.rows.tolist(), rejects.codes, rejects.pointers, strict=True):
        payload = payloads[row]
        kept = raw and len(payload) <= MAX_BYTES
        out["reject"][row] = (
            payload if kept else encode_reject(payload, code, pointer, "decode", str(origin.iloc[row]))
        )
        out["reject_at"][row] = registered_at(payload)
        out["code"][row], out["pointer"][row] = code, pointer
    return out


def _spread(values: Any, rows: Any, n: int) -> Any:
    out = np.zeros(n, values.dtype)
    out[rows] = values
    return out


def _objects(values: list[Any], rows: Any, n: int) -> Any:
    if len(values) == n:
        return values
    out = np.full(n, None)
    out[rows] = np.array([*values, None], object)[:-1]
    return out


def decode_function(progress: str | None, replay: bool, raw: bool = False) -> Any:
    """The UDF to register as `decode_declaration`."""
    return udf(Decode(progress, replay, raw), result_type=ROW, func_type="pandas", name="decode_declaration")
