"""The list of items: what is known of each, filtered, a hundred a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from whyfeel.annotate.review.assignment import Standing
from whyfeel.records import Annotation
from whyfeel.web.review.desk import Desk

PAGE = 100
STATES = ("open", "in hand", "once finished", "finished", "finished by you", "disputed", "settled")
FILTERS = (("flag", "Flag"), ("emotion", "Emotion"), ("state", "State"))


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the list; `lowest` is the lowest confidence among the triggers that count."""

    key: str
    name: str
    emotion: str
    triggers: int
    lowest: float | None
    flags: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list.

    Attributes:
        filters: name, label, choices and choice of each.
        before, after: addresses of the neighbouring pages, "" for none.
    """

    rows: Sequence[Line]
    found: int
    total: int
    page: int
    pages: int
    filters: Sequence[tuple[str, str, Sequence[str], str]]
    below: str
    before: str
    after: str
    notice: str


def listing_of(desk: Desk, person: str, query: Mapping[str, str]) -> Listing:
    """The page of the list that an address asks for; what it cannot mean is passed over."""
    lines = list(_lines(desk, person))
    chosen = {name: query.get(name, "") for name, _ in FILTERS}
    below = _number(query.get("below", ""))
    found = [one for one in lines if _fits(one, chosen, below)]
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, int(_number(query.get("page", "")) or 1)), pages)
    kept = {name: query[name] for name in (*chosen, "below") if query.get(name)}

    def turn(to: int) -> str:
        return f"/items?{urlencode({**kept, 'page': to})}" if 1 <= to <= pages else ""

    choices = {
        "flag": sorted({flag for one in lines for flag in one.flags}),
        "emotion": sorted({one.emotion for one in lines if one.emotion}),
        "state": STATES,
    }
    return Listing(
        found[(page - 1) * PAGE : page * PAGE],
        len(found),
        len(lines),
        page,
        pages,
        [(name, words, choices[name], chosen[name]) for name, words in FILTERS],
        query.get("below", "")[:10],
        turn(page - 1),
        turn(page + 1),
        "Nothing is left for you to review: thank you." if "done" in query else "",
    )


def _lines(desk: Desk, person: str) -> Iterator[Line]:
    disputed = set(desk.store.to_adjudicate())
    standings = {one.item: one for one in desk.store.standings()}
    for key, one in desk.annotations.items():
        stated = [trigger.confidence for trigger in one.kept if trigger.confidence is not None]
        state = "disputed" if one.sample_id in disputed else _state(standings[one.sample_id], person)
        yield Line(key, one.sample_id, one.emotion, len(one.kept), min(stated, default=None), _flags(one), state)


def _flags(annotation: Annotation) -> tuple[str, ...]:
    unscored = (annotation.unscored.reason,) if annotation.unscored else ()
    return (*annotation.flags, *unscored)


def _state(standing: Standing, person: str) -> str:
    if standing.adjudicator:
        return "settled"
    if person in standing.finished:
        return "finished by you"
    if standing.done:
        return "finished"
    if standing.hands:
        return "in hand"
    return "once finished" if standing.finished else "open"


def _fits(line: Line, chosen: Mapping[str, str], below: float | None) -> bool:
    flag, emotion, state = chosen["flag"], chosen["emotion"], chosen["state"]
    low = below is None or (line.lowest is not None and line.lowest < below)
    return low and _is(flag, line.flags) and _is(emotion, (line.emotion,)) and _is(state, (line.state,))


def _is(wanted: str, there: Iterable[str]) -> bool:
    return not wanted or wanted in there


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None
