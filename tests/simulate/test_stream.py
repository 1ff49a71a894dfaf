from datetime import date
from itertools import islice

from corridor.simulate import Service, day, folder, stream


def test_days_are_made_one_by_one(monkeypatch):
    made = []
    monkeypatch.setattr(stream, "day", lambda *a: made.append(a[1]) or day(*a))
    lines = stream.lines(Service(3), folder.Span(date(2026, 11, 10), 5_000, 100))
    first = [next(lines) for _ in range(50)]
    assert made == [date(2026, 11, 10)]
    assert first[0][0] == "2026-11-10.ndjson:1"
    origins = {origin[:10] for origin, _ in islice(lines, 200)}
    assert (
        [str(when) for when in made]
        == sorted(origins)
        == ["2026-11-10", "2026-11-11", "2026-11-12"][: len(made)]
    )
    assert len(made) > 1
