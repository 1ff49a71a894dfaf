import csv
import io
import json
import time
from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.console.material import FORMULA, HOSTILE, anomaly, at, encoded, made, rulebook, text, written
from tests.console.serve import up

pytestmark = pytest.mark.browser
MINUTES = 14 * 60 + 15


@pytest.fixture(scope="module")
def material():
    return made(offices=12, many=900, hostile=True)


@pytest.fixture(scope="module")
def url(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    run = written(folder / "run", material, step=15, until=MINUTES)
    with up(run, rulebook(folder / "book", material)) as (where, running):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if running.console.state.link.condition == "finished" and running.console.state.books.known:
                break
            time.sleep(0.05)
        time.sleep(0.8)
        yield where


@pytest.fixture(scope="module")
def told(material):
    return [one for one in material.decisions if one["registered_at"] < text(at(MINUTES))]


def number(shown: str) -> int:
    return int(shown.replace(",", ""))


def figure(page, name: str) -> str:
    return page.text_content(f"#tile-{name} .figure")


def test_what_is_shown_is_the_truth(opened, url, told):
    page = opened(url)
    assert number(figure(page, "declarations")) == len(told)
    automatic = sum(one["corridor"] in {"green", "blue"} for one in told) / len(told)
    assert figure(page, "automatic") == f"{100 * automatic:.1f}%"
    assert number(figure(page, "lost")) == 9
    assert figure(page, "decided") == "2.7 s"
    assert "of the plan" in page.text_content("#tile-payments .under")
    offices = Counter(one["office"] for one in told)
    rows = page.evaluate(
        "[...document.querySelectorAll('#office-table tbody tr')].map(r => [r.cells[0].textContent, r.cells[2].textContent])"
    )
    assert {office: number(n) for office, n in rows} == dict(offices)
    assert [number(n) for _, n in rows] == sorted(offices.values(), reverse=True)
    items = Counter((i["origin_country"], i["hs_chapter"]) for one in told for i in one["items"])
    assert page.get_attribute("[data-cell='CN/84']", "aria-label") == f"CN, 84 Machinery: {items['CN', '84']}"
    codes = page.evaluate("[...document.querySelectorAll('#reject-codes tr')].map(r => r.textContent)")
    assert [code.split()[0] for code in codes] == ["missing", "type", "utf8"]
    hours = Counter(one["registered_at"][11:13] for one in told)
    page.click("#curve summary")
    table = page.evaluate(
        "[...document.querySelectorAll('#curve-table tbody tr')].map(r => [r.cells[0].textContent, r.cells[1].textContent])"
    )
    assert {hour[11:13]: number(n) for hour, n in table if n != "–"} == dict(hours)
    assert "2026.11.24" in page.text_content("#books")


def test_hostile_names_are_only_ever_text(opened, url):
    page = opened(url)
    assert page.locator("#office-table tbody th button", has_text=HOSTILE).count() == 1
    page.get_by_role("button", name=HOSTILE, exact=True).first.click()
    page.wait_for_selector(".consignments")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    page.keyboard.press("Escape")
    page.get_by_role("button", name=FORMULA, exact=True).first.click()
    with page.expect_download() as download:
        page.locator("#drawer .behind a").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:  # noqa: PTH123
        rows = list(csv.reader(file))
    assert {row[rows[0].index("office")] for row in rows[1:]} == {f"'{FORMULA}"}


def test_the_cause_is_reached_in_two_clicks(opened, url, material):
    page = opened(url)
    page.locator("#episodes button").first.click()
    assert page.is_visible("#drawer")
    assert "is silent" in page.text_content(".sentence")
    page.get_by_role("button", name="84", exact=True).last.click()
    page.wait_for_selector(".consignments, .behind .empty:not([role])")
    office = material.offices[2]
    wanted = [
        one
        for one in material.decisions
        if one["office"] == office and text(at(540)) <= one["registered_at"] < text(at(660))
        if any(item["hs_chapter"] == "84" for item in one["items"])
    ]
    shown = page.evaluate("[...document.querySelectorAll('.consignments tbody th')].map(c => c.textContent)")
    assert shown == [one["declaration_id"] for one in reversed(wanted)]
    whole = page.content()
    for closed in ("0.987", "3.1415", "1234567"):
        assert closed not in whole


def test_both_languages(opened, url):
    page = opened(url)
    page.click("#lang-ru")
    assert page.get_attribute("html", "lang") == "ru"
    assert page.text_content("#curve-h") == "Декларации по часам"
    assert "Таможенный пост" not in page.text_content("#main")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.goto(url)  # without ?lang: the choice was kept
    page.wait_for_selector("html[data-ready]")
    assert page.text_content("#curve-h") == "Декларации по часам"
    page.locator("#episodes button").first.click()
    assert "тишина" in page.text_content(".sentence")
    left = page.evaluate("document.body.innerText.match(/\\b(undefined|null|NaN|\\[object)\\b/)")
    assert left is None


def test_a_past_moment_by_the_slider(opened, url, material):
    page = opened(url)
    page.click("#replay")
    assert page.input_value("#moment") == page.get_attribute("#moment", "max") == str(MINUTES // 15)
    page.evaluate(
        "m => { const s = document.getElementById('moment'); s.value = m; s.dispatchEvent(new Event('input')); }",
        36,
    )
    before = sum(one["registered_at"] < text(at(540)) for one in material.decisions)
    expect(page.locator("#tile-declarations .figure")).to_have_text(f"{before:,}")
    assert page.text_content("#moment-told") == "09:00"
    assert page.get_attribute("#link", "data-condition") == "past"
    page.click("#live")
    expect(page.locator("#link")).to_have_attribute("data-condition", "finished")


def test_day_and_week(opened, url, told):
    page = opened(url)
    page.click("#period-week")
    page.wait_for_selector("#period-week[aria-pressed=true]")
    expect(page.locator("#curve-table tbody tr")).not_to_have_count(24)
    assert page.is_disabled("#replay")


def test_by_keyboard_alone(opened, url):
    page = opened(url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("[data-sort=automatic]")
    page.keyboard.press("Enter")
    assert page.get_attribute("th:has([data-sort=automatic])", "aria-sort") == "descending"
    assert page.evaluate("document.activeElement.dataset.sort") == "automatic"
    page.keyboard.press("Enter")
    assert page.get_attribute("th:has([data-sort=automatic])", "aria-sort") == "ascending"
    page.focus("#office-table tbody tr:nth-child(3) button")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector(".behind .note")
    assert page.text_content("#drawer-h") == f"Office {name}"
    page.keyboard.press("Escape")
    assert not page.is_visible("#drawer")
    assert page.evaluate("document.activeElement.textContent") == name
    page.focus(".heat [tabindex='0']")
    first = page.evaluate("document.activeElement.dataset.cell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    then = page.evaluate("document.activeElement.dataset.cell")
    assert first.split("/")[0] != then.split("/")[0]
    assert first.split("/")[1] != then.split("/")[1]
    assert page.locator(".heat [tabindex='0']").count() == 1


def test_everything_has_a_name_for_those_who_listen(opened, url):
    page = opened(url)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, [role=img], dialog, section, nav')].filter((n) =>
        n.checkVisibility() && !(n.getAttribute('aria-label') || n.labels?.length || n.textContent.trim() ||
        document.getElementById(n.getAttribute('aria-labelledby'))?.textContent)).map((n) => n.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    assert page.locator("header, main, footer, nav").count() == 4
    assert page.locator("h1").count() == 1
    for table in ("#office-table", ".heat", "#curve-table"):
        assert page.locator(f"{table} th[scope=col]").count() > 3
        assert page.locator(f"{table} th[scope=row]").count() > 3
    assert "Peak 0" in page.get_attribute("#plot", "aria-label") or "Peak 1" in page.get_attribute(
        "#plot", "aria-label"
    )


def test_a_panel_as_csv_and_as_png(opened, url, told):
    page = opened(url)
    with page.expect_download() as download:
        page.click("[data-save=offices] a")
    rows = list(csv.reader(io.StringIO(open(download.value.path(), encoding="utf-8-sig").read())))  # noqa: PTH123, SIM115
    assert sum(int(row[1]) for row in rows[1:]) == len(told)
    for panel in ("curve", "mix"):
        with page.expect_download() as download:
            page.click(f"#{panel} [data-save] button")
        assert download.value.suggested_filename == f"corridor-{panel}.png"
        drawn = open(download.value.path(), "rb").read()  # noqa: PTH123, SIM115
        assert drawn.startswith(b"\x89PNG")
        assert len(drawn) > 20_000  # a panel that is blank takes some 5 kB


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_and_on_a_wall(opened, url, theme):
    phone = opened(url, f"lang=ru&theme={theme}", viewport={"width": 390, "height": 844}, has_touch=True)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    wall = opened(url, f"lang=ru&theme={theme}&view=wall", viewport={"width": 1920, "height": 1080})
    assert wall.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        1920,
        1080,
    ]
    outside = wall.evaluate(
        "[...document.querySelectorAll('.panel')]"
        ".filter(p => p.checkVisibility() && p.getBoundingClientRect().bottom > 1080).length"
    )
    assert outside == 0
    over = wall.evaluate(
        "[...document.querySelectorAll('.figure')]"
        ".filter(f => f.checkVisibility() && f.scrollWidth > f.clientWidth + 1).map(f => f.textContent)"
    )
    assert over == []


def test_what_comes_is_shown_at_once_and_said(opened, tmp_path, material):
    run = written(tmp_path / "run", material, step=480, until=480)
    with up(run, follow=True) as (where, _):
        page = opened(where)
        before = sum(one["registered_at"] < text(at(480)) for one in material.decisions)
        expect(page.locator("#tile-declarations .figure")).to_have_text(f"{before:,}")
        assert page.text_content("#spoken") == ""
        (run / "picture" / "part-0001.ndjson").write_bytes(b"\n".join(material.lines(at(600))) + b"\n")
        more = anomaly(material.offices[4], 9, "opened", event_time=text(at(590)))
        more["evidence"] |= {"start": text(at(585)), "stop": text(at(595))}
        more["text"]["en"] = "Something new."
        (run / "anomalies" / "part-0001.ndjson").write_bytes(encoded(more) + b"\n")
        after = sum(one["registered_at"] < text(at(600)) for one in material.decisions)
        expect(page.locator("#tile-declarations .figure")).to_have_text(f"{after:,}")
        expect(page.locator("#spoken")).to_contain_text("Something new.")
        assert page.get_attribute("#link", "data-condition") == "live"


def test_nothing_lost_and_come_back_are_told(opened, tmp_path, material):
    empty = tmp_path / "run"
    empty.mkdir()
    with up(empty, follow=True) as (where, _):
        page = opened(where)
        assert "no data" in page.text_content("#when")
        assert "Nothing has been told" in page.text_content("#tiles")
        assert "Nothing yet" in page.text_content("#episodes")
        port = int(where.rsplit(":", 1)[1].strip("/"))
    page.wait_for_selector("#link[data-condition=lost]")
    page.wait_for_selector(".notices .grave")
    assert "has not answered since" in page.text_content("#notices")
    with up(written(tmp_path / "other", material, step=600, until=600), port=port):
        page.wait_for_selector("#link[data-condition=finished]", timeout=15_000)
        page.wait_for_selector("#tile-declarations")
        assert page.is_hidden("#notices")
    page.wait_for_selector("#link[data-condition=lost]")
    assert all("ERR_" in fault for fault in opened.faults)  # the browser's own word on a server that is away
    opened.faults.clear()


def test_no_answer_holds_what_is_closed(opened, url):
    page = opened(url)
    told = page.evaluate("fetch('/data/picture').then(a => a.text())")
    assert "probability" not in told
    assert json.loads(told)["sections"]["glance"]
