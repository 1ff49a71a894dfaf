"""Every kind of anomaly in words, English and Russian, from one table.

Templates are filled with `str.format` by name, so a hostile identity is only ever a value; signs that
do not print (controls, direction marks) become U+FFFD in the sentence, and stay as they are elsewhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from corridor.messages.moment import SECOND


class Wording(NamedTuple):
    """One text in both languages."""

    en: str
    ru: str


KINDS: Final[dict[str, Wording]] = {
    "consignment.conflict": Wording(
        "Declaration {id} came again as version {version} with other content; the first decision stands.",
        "Декларация {id} поступила повторно как версия {version} с другим содержанием; "
        "действует первое решение.",
    ),
    "consignment.other_declarant": Wording(
        "Declaration {id}: version {version} was lodged by another declarant than the one before.",
        "Декларация {id}: версию {version} подал другой декларант, чем предыдущую.",
    ),
    "consignment.notified": Wording(
        "Declaration {id}, {where}: the centre is told of {group}.",
        "Декларация {id}, {where}: центру сообщается, группа «{group}».",
    ),
    "participant.burst": Wording(
        "{subject}: {observed} declarations {period}; {expected} are usual, {high} at most.",
        "{subject}: деклараций {period}: {observed}; обычно {expected}, не более {high}.",
    ),
    "participant.newcomer": Wording(
        "{subject} is new: {declarations} declarations worth {observed} {period}; a newcomer usually "
        "lodges one worth {expected}.",
        "{subject} новый: деклараций {period}: {declarations} на сумму {observed}; новый участник обычно "
        "подаёт одну на {expected}.",
    ),
    "picture.spike": Wording(
        "{subject}: {observed} declarations {period}; {expected} were expected ({low} to {high}).",
        "{subject}: деклараций {period}: {observed}; ожидалось {expected} (от {low} до {high}).",
    ),
    "picture.drop": Wording(
        "{subject}: only {observed} declarations {period}; {expected} were expected ({low} to {high}).",
        "{subject}: деклараций {period} всего {observed}; ожидалось {expected} (от {low} до {high}).",
    ),
    "picture.silence": Wording(
        "{subject} is silent: {observed} declarations {period}; {expected} were expected ({low} to {high}).",
        "{subject}: тишина, деклараций {period}: {observed}; ожидалось {expected} (от {low} до {high}).",
    ),
    "picture.slow_shift": Wording(
        "{subject} has been drifting from its norm since {since}: {observed} declarations {period}; {expected} "
        "were expected ({low} to {high}).",
        "{subject}: медленный уход от нормы с {since}: деклараций {period}: {observed}; ожидалось {expected} "
        "(от {low} до {high}).",
    ),
    "picture.level_shift": Wording(
        "{subject} has been at another level since {since}: {observed} declarations {period}; {expected} were "
        "expected ({low} to {high}).",
        "{subject}: сдвиг уровня с {since}: деклараций {period}: {observed}; ожидалось {expected} "
        "(от {low} до {high}).",
    ),
    "picture.price_shift": Wording(
        "{subject}: the mean price is {observed} a kg {period}; {expected} is usual ({low} to {high}).",
        "{subject}: средняя цена {period} {observed} за кг; обычно {expected} (от {low} до {high}).",
    ),
    "participant.silence": Wording(
        "{subject} is never silent, yet lodged nothing {period}; {expected} declarations were expected.",
        "{subject} обычно не молчит, но {period} не подал ничего; ожидалось деклараций: {expected}.",
    ),
    "picture.share_shift": Wording(
        "{subject}: {dimension} {value} makes up {observed%} {period}; {expected%} is usual "
        "({low%} to {high%}).",
        "{subject}: доля {dimension} {value} {period} составила {observed%}; обычно {expected%} "
        "(от {low%} до {high%}).",
    ),
    "circuit.rulebook_refused": Wording(
        "Rulebook {id} was refused: {refusal}. The last good one stays in force.",
        "Свод правил {id} отклонён: {refusal}. Действует последний исправный.",
    ),
    "circuit.rulebook_late": Wording(
        "Rulebook {id} came when declarations it is for had been judged by the one before.",
        "Свод правил {id} поступил, когда часть его деклараций уже была решена по предыдущему.",
    ),
    "circuit.registry_silent": Wording(
        "Since {moment} the registry of rulebooks {silence}.",
        "С {moment} реестр сводов правил {silence}.",
    ),
}
SILENCES: Final[dict[str, Wording]] = {
    "opened": Wording(
        "does not answer: new ones do not reach the workers, those they have stay in force",
        "не отвечает: новые до обработчиков не доходят, действуют имеющиеся",
    ),
    "closed": Wording("answers again", "снова отвечает"),
}
REFUSALS: Final[dict[str, Wording]] = {
    "unreadable": Wording("its record is cut short or changed", "запись неполна или изменена"),
    "unsigned": Wording("it is not signed by two trusted persons", "нет подписей двух доверенных лиц"),
    "expired": Wording("it was signed with an expired key", "подписан недействующим ключом"),
    "chain": Wording("it does not follow the one before it", "не следует за предыдущим"),
    "content": Wording("its files are not what was signed", "файлы не те, что подписаны"),
    "rulebook": Wording("it is not fit to judge by", "непригоден для решений"),
    "histories": Wording(
        "it asks for histories that the job does not keep", "требует истории, которых задание не ведёт"
    ),
}
OTHER_CIRCUIT: Final = Wording("Circuit {id}: {tail}.", "Контур {id}: {tail}.")
"""For kinds `circuit.*` that have no sentence of their own."""

SUBJECTS: Final[dict[str, Wording]] = {
    "declaration": Wording("Declaration {id}", "Декларация {id}"),
    "importer": Wording("Importer {id}", "Импортёр {id}"),
    "declarant": Wording("Declarant {id}", "Декларант {id}"),
    "exporter": Wording("Exporter {id}", "Экспортёр {id}"),
    "participant": Wording("Participant {id}", "Участник {id}"),
    "office": Wording("Office {id}", "Таможенный пост {id}"),
    "service": Wording("The whole service", "Служба в целом"),
    "rulebook": Wording("Rulebook {id}", "Свод правил {id}"),
    "registry": Wording("The registry of rulebooks", "Реестр сводов правил"),
    "price": Wording("HS chapter and origin {id}", "Группа ТН ВЭД и происхождение {id}"),
}
GROUPS: Final[dict[str, Wording]] = {
    "valuation": Wording("customs value", "таможенная стоимость"),
    "weight": Wording("weight", "вес"),
    "origin": Wording("origin", "происхождение"),
    "classification": Wording("classification", "классификация"),
    "participant": Wording("the participant", "участник"),
    "procedure": Wording("the procedure", "процедура"),
    "list": Wording("a list", "перечень"),
    "model": Wording("the model's estimate", "оценка модели"),
    "history": Wording("history", "история"),
    "data_quality": Wording("data quality", "качество данных"),
    "random": Wording("random selection", "случайный отбор"),
}
DIMENSIONS: Final[dict[str, Wording]] = {
    "hs_chapter": Wording("HS chapter", "группы ТН ВЭД"),
    "origin_country": Wording("origin", "страны происхождения"),
    "corridor": Wording("corridor", "коридора"),
    "direction": Wording("direction", "направления"),
    "office": Wording("office", "поста"),
}
_MISSING: Final = "–"


def known(kind: str) -> bool:
    """Whether there are words for this kind."""
    return kind in KINDS or (kind.startswith("circuit.") and len(kind) > len("circuit."))


def sentences(kind: str, values: Mapping[str, Any]) -> Wording:
    """Word an anomaly. values: what the template names; a number that is missing is written as a dash."""
    wording = KINDS.get(kind, OTHER_CIRCUIT)
    return Wording(*(_fill(template, values, language) for language, template in enumerate(wording)))


def _fill(template: str, values: Mapping[str, Any], language: int) -> str:
    kind, identity = str(values.get("subject_type", "")), values.get("id")
    filled = {name: _plain(value) for name, value in values.items()}
    filled |= {f"{name}%": _percent(values.get(name)) for name in ("observed", "expected", "low", "high")}
    subject = SUBJECTS.get(kind, Wording("{id}", "{id}"))[language]
    filled["subject"] = subject.format(id=_plain(identity))
    filled["group"] = _one_of(GROUPS, values.get("group"), language)
    filled["refusal"] = _one_of(REFUSALS, values.get("reason"), language)
    filled["silence"] = _one_of(SILENCES, values.get("state"), language)
    filled["moment"] = _moment(values.get("start"), values.get("stop"))
    filled["dimension"] = _one_of(DIMENSIONS, values.get("dimension"), language)
    filled["where"] = _where(values.get("item_no"), language)
    filled["since"] = str(values.get("since", _MISSING))[:10]
    filled["period"] = _period(values.get("start"), values.get("stop"), language)
    return template.format_map(_Filled(filled))


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return _MISSING


def _one_of(table: dict[str, Wording], name: Any, language: int) -> str:
    return table[name][language] if name in table else _plain(name)


def _where(item_no: Any, language: int) -> str:
    return (
        (f"item {item_no}", f"товар {item_no}")[language] if item_no else ("as a whole", "в целом")[language]
    )


def _period(start: Any, stop: Any, language: int) -> str:
    if not isinstance(start, int) or not isinstance(stop, int):
        return ("in the period", "за период")[language]
    first, last = clock(start), clock(stop)
    last = last[11:] if last[:10] == first[:10] else last
    return (f"from {first} to {last} UTC", f"с {first} до {last} UTC")[language]


def _moment(start: Any, stop: Any) -> str:
    """When what is told of began: the end of a stretch that is over, the start of one that is not."""
    at = stop if isinstance(stop, int) else start
    return f"{clock(at)} UTC" if isinstance(at, int) else _MISSING


def clock(micros: int) -> str:
    """Microseconds since 1970 as "2026-11-22 08:15", UTC."""
    return datetime.fromtimestamp(micros // SECOND, UTC).strftime("%Y-%m-%d %H:%M")


def _percent(value: Any) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else _MISSING


def _plain(value: Any) -> str:
    if value is None:
        return _MISSING
    if isinstance(value, float):
        return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value))
