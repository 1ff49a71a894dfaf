"""`corridor convert`: the Korean extract, and extracts of other habits; errors that name line and column."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from corridor.errors import InputError
from corridor.messages.columns import NO_MONEY
from corridor.messages.declaration import decode
from corridor.messages.tokens import hs_token, token
from corridor.study.convert import convert
from corridor.study.formula import Formula
from corridor.study.mapping import load, shipped


def lines(folder: Path, topic: str) -> list[bytes]:
    return [line for path in sorted((folder / topic).iterdir()) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def korea(tmp_path_factory, shared_data):
    """(rows of the file, output folder, what convert said)"""
    source = shared_data / "korea" / "df_syn_valid_eng.csv"
    output = tmp_path_factory.mktemp("korea") / "out"
    made = convert(load("korea"), source, output)
    with source.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file)), output, made


def test_every_korean_row_becomes_a_declaration_that_decodes_and_a_result(korea):
    rows, output, made = korea
    assert made.rows == made.declarations == made.results == len(rows) == 8134
    decoded = decode(lines(output, "declarations"), 0)
    assert decoded.rejects.codes == []
    assert len(decoded.declarations) == 8134
    assert not decoded.declarations.heads["quality"].any()


def test_korean_values_are_those_of_the_rows(korea):
    rows, output, _ = korea
    by_id = {d["declaration_id"]: d for d in map(json.loads, lines(output, "declarations"))}
    for row in rows:
        found = by_id[row["Declaration ID"]]
        (item,) = found["items"]
        assert item["hs_code"] == row["HS6 Code"]
        assert item["origin_country"] == row["Country of Origin"]
        assert found["dispatch_country"] == row["Country of Departure"]
        assert found.get("exporter", "") == row["Seller ID"]
        assert found["procedure"] == row["Process Type"] + row["Import Use"]
        assert found["transport_mode"] == int(row["Mode of Transport"][0])
        assert item["net_mass_kg"] == float(row["Net Mass"])
        assert abs(item["customs_value"] - float(row["Item Price"])) <= 0.0051
        duty = Decimal(row["Item Price"]) * Decimal(row["Tax Rate"]) / 100
        assert abs(Decimal(str(item["duty"])) - duty) <= Decimal("0.0051")
        assert found["registered_at"][:10] == row["Date"]
        assert "00:00" <= found["registered_at"][11:16] < "09:00"  # 9 to 18 o'clock at +09:00


def test_namibia_and_leading_zeros_survive(korea):
    rows, output, _ = korea
    batch = decode(lines(output, "declarations"), 0).declarations
    assert (batch.items["origin_country"] == token("NA")).sum() == sum(
        r["Country of Origin"] == "NA" for r in rows
    )
    zero = next(r["HS6 Code"] for r in rows if r["HS6 Code"].startswith("0"))
    assert (batch.items["hs_code"] == hs_token(zero)).any()


def test_korean_findings_are_the_labels(korea):
    rows, output, _ = korea
    results = {r["declaration_id"]: r for r in map(json.loads, lines(output, "results"))}
    for row in rows:
        wanted = (
            "critical" if row["Critical Fraud"] == "2" else "violation" if row["Fraud"] == "1" else "none"
        )
        assert results[row["Declaration ID"]]["finding"] == wanted


def test_files_are_in_order_of_time(korea):
    times = [json.loads(line)["registered_at"] for line in lines(korea[1], "declarations")]
    assert times == sorted(times)


def test_date_and_time_may_stand_in_two_columns(tmp_path):
    mapping = RUSSIAN.replace("{column: Дата,", "{columns: [Дата, Час],")
    sheet = SHEET.replace("Дата;", "Дата;Час;", 1).replace("2026 0", "2026;0")
    run(*prepared(tmp_path, sheet, mapping))
    assert b'"registered_at":"2026-03-04T22:30:00.000Z"' in b"".join(lines(tmp_path / "out", "declarations"))


RUSSIAN = """
input: {encoding: windows-1251, delimiter: ";", decimal: ",", thousands: " ", missing: ["", "-", "нет"]}
one_row_is: item
declaration:
  declaration_id: {column: Номер ДТ}
  version: {constant: 1}
  function: {constant: original}
  registered_at: {column: Дата, format: "%d.%m.%Y %H:%M", offset: "+03:00"}
  office: {column: Пост, pad: 8}
  direction: {column: Направление, codes: {ИМ: import, ЭК: export}}
  procedure: {column: Направление, codes: {ИМ: "40"}, other: "10"}
  transport_mode: {column: Транспорт, first: 1, default: 9}
  declarant: {column: Декларант}
  importer: {column: Декларант}
items:
  item_no: {count: true}
  hs_code: {column: Код, pad: 10}
  net_mass_kg: {column: Масса, decimals: 1}
  customs_value: {column: Стоимость}
  duty: {expression: "({Стоимость} + 10) * {Ставка} / 100"}
  currency: {column: Валюта, upper: true, default: RUB}
"""
SHEET = """Номер ДТ;Дата;Пост;Направление;Транспорт;Декларант;Код;Масса;Стоимость;Ставка;Валюта
1/1;05.03.2026 01:30;131010;ИМ;31;Ромашка «А»;803901000;1 234,56;10 000,505;5;usd
1/1;05.03.2026 01:30;131010;ИМ;31;Ромашка «А»;8715001000;-;20;-;-
1/2;05.03.2026 00:10;131010;ЭК;нет;"ООО; ""Б""
два";0101;3;7;0;нет
"""


def prepared(tmp_path, sheet=SHEET, mapping=RUSSIAN, encoding="cp1251"):
    (tmp_path / "m.yaml").write_text(mapping, "utf-8")
    (tmp_path / "in.csv").write_bytes(sheet.encode(encoding))
    return str(tmp_path / "m.yaml"), tmp_path / "in.csv", tmp_path / "out"


def run(mapping, source, output):
    return convert(load(mapping), source, output)


def test_rules_of_another_habit(tmp_path):
    mapping, source, output = prepared(tmp_path)
    made = run(mapping, source, output)
    assert (made.rows, made.declarations, made.results) == (3, 2, 0)
    assert sorted(p.name for p in output.iterdir()) == ["declarations"]
    second, first = (json.loads(line) for line in lines(output, "declarations"))
    assert first["registered_at"] == "2026-03-04T22:30:00.000Z"
    assert (first["office"], first["transport_mode"], first["procedure"]) == ("00131010", 3, "40")
    assert first["importer"] == "Ромашка «А»"
    one, two = first["items"]
    assert one == {"item_no": 1, "hs_code": "0803901000", "net_mass_kg": 1234.6, "customs_value": 10000.5,
                   "duty": 500.53, "currency": "USD"}  # fmt: skip
    assert two == {"item_no": 2, "hs_code": "8715001000", "customs_value": 20.0, "currency": "RUB"}
    assert (second["direction"], second["procedure"], second["transport_mode"]) == ("export", "10", 9)
    assert second["importer"] == 'ООО; "Б"\nдва'
    batch = decode(lines(output, "declarations"), 0).declarations
    assert list(batch.items["duty"]) == [0, 50053, NO_MONEY]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_dropped(tmp_path, encoding):
    name = "utf-16" if encoding == "utf-16" else "utf-8"
    mapping = RUSSIAN.replace("windows-1251", name)
    assert run(*prepared(tmp_path, mapping=mapping, encoding=encoding)).declarations == 2


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("10 000,505", "10.000.505", r"line 2, column 'Стоимость': '10.000.505' is no number"),
        ("10 000,505", "NaN", r"line 2, column 'Стоимость'"),
        (";20;", ";;", r"line 3, column 'Стоимость': no value, but customs_value needs one"),
        ("05.03.2026 00:10", "2026-03-05", r"line 4, column 'Дата': '2026-03-05' does not fit"),
        (";ЭК;", ";ТР;", r"line 4, column 'Направление': 'ТР' is not in the code table"),
        (";31;", ";X;", r"line 2, column 'Транспорт': 'X' is no whole number"),
        ("Масса", "Масcа", r"line 1, column 'Масса'.*did you mean 'Масcа'"),
        ("Валюта", "Код", r"line 1, column 'Код': the header names this column twice"),
        (";usd\n", "\n", r"line 2: 10 fields where the header has 11"),
        ("два\"", "два\"x", r"line 4: not CSV"),
    ],
)  # fmt: skip
def test_errors_name_line_and_column_and_leave_nothing(tmp_path, was, now, told):
    assert was in SHEET
    mapping, source, output = prepared(tmp_path, SHEET.replace(was, now, 1))
    with pytest.raises(InputError, match=told):
        run(mapping, source, output)
    assert not output.exists()


def test_a_wrong_encoding_is_told(tmp_path):
    mapping, source, output = prepared(tmp_path, mapping=RUSSIAN.replace("windows-1251", "utf-8"))
    with pytest.raises(InputError, match=r"not utf-8.*windows-1251"):
        run(mapping, source, output)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("office: {column", "ofice: {column", "did you mean 'office'"),
        ("{column: Пост, pad: 8}", "{column: Пост, padd: 8}", "unknown key 'padd'; did you mean 'pad'"),
        ("{column: Пост, pad: 8}", "{}", "exactly one of"),
        ("  importer: {column: Декларант}\n", "", "importer is missing"),
        (", offset: \"+03:00\"", "", "offset"),
        ("({Стоимость} + 10) *", "({Стоимость} + 10 *", "closing bracket"),
        ("({Стоимость} + 10) *", "__import__('os') *", "column 1"),
        ("one_row_is: item", "one_row_is: line", "one_row_is"),
        ("windows-1251", "klingon", "unknown encoding"),
        ("version: {constant: 1}", "version: {constant: one}", "must be a number"),
        ("input:", "input: [", "not YAML"),
    ],
)  # fmt: skip
def test_a_mapping_is_checked_before_anything_is_written(tmp_path, was, now, told):
    assert was in RUSSIAN
    mapping, source, output = prepared(tmp_path, mapping=RUSSIAN.replace(was, now, 1))
    with pytest.raises(InputError, match=told):
        run(mapping, source, output)
    assert not output.exists()


def test_unknown_mappings_wrong_paths_and_full_folders_are_refused(tmp_path):
    mapping, source, output = prepared(tmp_path)
    assert shipped() == ["korea"]
    with pytest.raises(InputError, match="shipped are: korea"):
        load("corea")
    with pytest.raises(InputError, match="not a file"):
        run(mapping, tmp_path / "none.csv", output)
    with pytest.raises(InputError, match="holds something"):
        run(mapping, source, tmp_path)
    source.write_bytes(SHEET.splitlines()[0].encode("cp1251"))
    with pytest.raises(InputError, match="no rows"):
        run(mapping, source, output)
    source.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        run(mapping, source, output)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a} * {b} / 100", "0.06"),
        ("-({a}+1)*2", "-8"),
        ("1.5 - {b} - 1", "-1.5"),
        ("((({a})))", "3"),
        ("2*-3", "-6"),
    ],
)
def test_formulas_are_arithmetic_in_exact_decimals(text, value):
    assert Formula(text)({"a": Decimal(3), "b": Decimal(2)}) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "{a} {b}", "1 +", "()", "a + 1", "2 ** 3", "{a", "1" * 501, "(" * 30 + "1" + ")" * 30]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(InputError, match="expression"):
        Formula(text)
