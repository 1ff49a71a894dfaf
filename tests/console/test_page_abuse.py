"""What would break a page: bad links, a server in trouble, figures and names that nobody foresaw, many offices."""

import random
import time

import pytest
from playwright.sync_api import expect

from tests.console.material import anomaly, at, encoded, made, text, written
from tests.console.serve import up

pytestmark = pytest.mark.browser
OFFICES = 130
RIGHT_TO_LEFT = "\u0645\u0643\u062a\u0628"


@pytest.fixture(scope="module")
def material():
    return made(offices=OFFICES, many=1600)


@pytest.fixture
def live(material, tmp_path):
    """A run that goes on: its folder, and the page's address."""
    run = written(tmp_path / "run", material, step=100, until=600)
    with up(run, follow=True) as (where, running):
        deadline = time.monotonic() + 20
        while not running.console.painter.channels["day"].version and time.monotonic() < deadline:
            time.sleep(0.05)
        yield run, where


def counted(page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/data/picture" in one.url else None)
    return asked


def shown_offices(page) -> dict[str, str]:
    rows = page.evaluate(
        "[...document.querySelectorAll('#office-table tbody tr')].map(r => [r.cells[0].textContent, r.cells[2].textContent])"
    )
    return dict(rows)


def test_a_bad_link_is_told_of_once_and_passed_over(opened, live, material):
    _, where = live
    bad = "start=x&until=25:00&lang=xx&theme=pink&period=month&view=roof#%E0"
    page = opened(where, bad)
    told = page.text_content("#notices li:has(button)")
    for one in ("start=x", "until=25:00", "lang=xx", "theme=pink", "period=month", "view=roof", "#%E0"):
        assert one in told
    assert page.locator("#notices li:has(button)").count() == 1
    before = sum(one["registered_at"] < text(at(600)) for one in material.decisions)
    expect(page.locator("#tile-declarations .figure")).to_have_text(f"{before:,}")
    page.click("#notices button")
    assert page.locator("#notices li:has(button)").count() == 0
    page.evaluate("location.hash = '#office=nowhere'")
    expect(page.locator("#notices")).to_contain_text("office=nowhere")


@pytest.mark.parametrize(
    "link",
    ["period=week&start=1970-01-05", "until=2026-11-24T08:00:00Z&start=1960-01-01"],
)
def test_what_the_server_refuses_makes_no_storm(opened, live, link):
    _, where = live
    page = opened(where, "lang=en", ready=False)
    asked = counted(page)
    page.goto(f"{where}?{link}")
    page.wait_for_selector("html[data-ready]")
    assert "19" in page.text_content("#notices li:has(button)")
    page.wait_for_timeout(2500)
    assert len(asked) <= 3
    assert page.get_attribute("#link", "data-condition") == "live"
    opened.faults[:] = [
        one for one in opened.faults if "400" not in one
    ]  # the browser's own word on the refusal


def test_a_server_in_trouble_is_asked_ever_more_rarely(opened, live):
    _, where = live
    page = opened(where)
    asked = counted(page)
    page.route("**/data/picture*", lambda route: route.fulfill(status=500, body="no"))
    page.click("#period-week")
    page.wait_for_selector("#link[data-condition=lost]")
    page.wait_for_timeout(3000)
    assert 2 <= len(asked) <= 4  # after about 1, 3 and 7 s; a storm would be dozens
    page.unroute("**/data/picture*")
    page.wait_for_selector("#period-week[aria-pressed=true]", timeout=15_000)
    page.wait_for_selector("#link:not([data-condition=lost])", timeout=15_000)
    opened.faults[:] = [one for one in opened.faults if "500" not in one]


def test_rows_out_of_view_are_drawn_too(opened, live, material):
    run, where = live
    page = opened(where)
    lines = b"".join(line + b"\n" for line in material.lines(at(700)))
    (run / "picture" / "part-0001.ndjson").write_bytes(lines)
    now = [one for one in material.decisions if one["registered_at"] < text(at(700))]
    truth: dict[str, int] = {}
    for one in now:
        truth[one["office"]] = truth.get(one["office"], 0) + 1
    expect(page.locator("#tile-declarations .figure")).to_have_text(f"{len(now):,}")
    page.wait_for_function(
        """truth => [...document.querySelectorAll('#office-table tbody tr')].every(r =>
          truth[r.cells[0].textContent] === r.cells[2].textContent)""",
        arg={office: f"{n:,}" for office, n in truth.items()},
        timeout=5000,
    )
    assert len(shown_offices(page)) == len(truth)
    counts = [int(n.replace(",", "")) for n in shown_offices(page).values()]
    assert counts == sorted(counts, reverse=True)


def test_a_page_that_nobody_sees_draws_nothing_until_it_is_looked_at(opened, live, material):
    run, where = live
    page = opened(where)
    page.evaluate("window.away = true; Object.defineProperty(document, 'hidden', { get: () => window.away })")
    before = page.text_content("#tile-declarations .figure")
    (run / "picture" / "part-0001.ndjson").write_bytes(
        b"".join(line + b"\n" for line in material.lines(at(800)))
    )
    page.wait_for_timeout(2500)
    assert page.text_content("#tile-declarations .figure") == before
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    now = sum(one["registered_at"] < text(at(800)) for one in material.decisions)
    expect(page.locator("#tile-declarations .figure")).to_have_text(f"{now:,}")


def test_rows_are_put_in_order_by_as_few_moves_as_can_be(opened, live):
    _, where = live
    page = opened(where)
    draw = random.Random(5)
    for _ in range(30):
        old = draw.sample("abcdefghijklmnop", draw.randint(0, 16))
        new = draw.sample("abcdefghijklmnop", draw.randint(0, 16))
        order, moves = page.evaluate(
            """async ([old, now]) => {
              const { keyed } = await import('/assets/dom.js');
              const host = document.createElement('ul');
              document.body.append(host);
              const make = () => document.createElement('li');
              keyed(host, old, make, () => {});
              const seen = new MutationObserver(() => {});
              seen.observe(host, { childList: true });
              keyed(host, now, make, () => {});
              const added = seen.takeRecords().reduce((n, one) => n + one.addedNodes.length, 0);
              host.remove();
              return [[...host.children].map((one) => one.dataset.key).join(''), added];
            }""",
            [old, new],
        )
        assert order == "".join(new)
        assert moves == len(new) - longest_run([old.index(one) for one in new if one in old])


def longest_run(places: list[int]) -> int:
    """Length of a longest increasing subsequence, the slow way."""
    best = [1] * len(places)
    for i, place in enumerate(places):
        best[i] = 1 + max((best[j] for j in range(i) if places[j] < place), default=0)
    return max(best, default=0)


def test_figures_that_nobody_foresaw(opened, live):
    _, where = live
    page = opened(where)
    for language, shown in (("en", "1E300"), ("ru", "1E300")):
        page.click(f"#lang-{language}")
        told = page.evaluate(
            """async () => {
              const words = await import('/assets/words.js');
              return [NaN, Infinity, null, undefined, 'x', 1e300, -1e300].flatMap((value) =>
                ['count', 'decimal', 'exact', 'percent', 'short', 'change'].map((name) => words[name](value)));
            }"""
        )
        assert told[:30] == ["–"] * 30
        assert all(len(one) < 12 for one in told)
        assert told[30] == shown


def test_names_that_nobody_foresaw(opened, live, material):
    run, where = live
    page = opened(where, viewport={"width": 390, "height": 844})
    most = anomaly(
        RIGHT_TO_LEFT, 7, severity="critical", observed=1e299, expected=1e-299, low=-1e299, high=1e299
    )
    most["text"] = {"en": "W" * 10_000, "ru": RIGHT_TO_LEFT * 2000}
    refused = anomaly("N" * 10_000, 8)
    (run / "anomalies" / "part-0001.ndjson").write_bytes(encoded(most) + b"\n" + encoded(refused) + b"\n")
    row = page.locator("#episodes button", has_text=RIGHT_TO_LEFT)
    expect(row).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    row.click()
    expect(page.locator(".sentence")).to_contain_text("WWW")
    assert page.evaluate("document.getElementById('drawer').scrollWidth <= innerWidth")
    assert f"\u2068{RIGHT_TO_LEFT}\u2069" in page.text_content(
        "#drawer .note"
    )  # set apart from what stands beside it
    page.keyboard.press("Escape")
    expect(page.locator("#foot")).to_contain_text("anomalies unreadable 1")


def test_back_to_the_cause_and_the_focus_where_it_was(opened, live):
    _, where = live
    page = opened(where)
    first = page.locator("#episodes button").first
    first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "drawer-h"
    assert "#anomaly=" in page.url
    page.get_by_role("button", name="84", exact=True).last.click()
    page.wait_for_selector("#drawer .back")
    assert page.text_content("#drawer-h") == "HS chapter 84"
    page.click("#drawer .back")
    assert page.text_content("#drawer-h") == "Silence"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "episode"
    assert "#anomaly=" not in page.url


def test_the_address_follows_what_is_shown(opened, live):
    _, where = live
    page = opened(where)
    page.click("#replay")
    page.evaluate(
        "() => { const s = document.getElementById('moment'); s.value = 20; s.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_selector("#link[data-condition=past]")
    assert "until=2026-11-24T05%3A00%3A00Z" in page.url
    shown = page.text_content("#tile-declarations .figure")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.text_content("#tile-declarations .figure") == shown
    assert page.is_visible("#replaying")
    assert page.text_content("#moment-told") == "05:00"
    page.click("#live")
    page.wait_for_selector("#link[data-condition=live]")
    assert "until" not in page.url


def test_on_paper_all_of_it_and_light(opened, live):
    _, where = live
    page = opened(where, "lang=en&theme=dark")
    page.evaluate(
        """addEventListener('beforeprint', () => {
          const last = document.querySelector('#office-table tbody tr:last-child');
          window.worn = [document.documentElement.dataset.theme, last.cells[2].textContent];
        })"""
    )
    assert page.pdf().startswith(b"%PDF")
    theme, last = page.evaluate("window.worn")
    assert theme == "light"
    assert last
    assert page.get_attribute("html", "data-theme") == "dark"
