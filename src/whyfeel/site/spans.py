"""Where in an answer its verdicts lie: from its text and a judge's evidence to spans that can be coloured. Pure.

A judge tells words, not places. `verdicts` quotes: its quotes are looked for as `judging.quotes` finds them, by words
and not by how they are set. `overlap` tells clauses, which stand in the answer to the letter. Of words that stand there
several times the first verdict gets the first place, the next one the next.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from whyfeel.judging.claims import statements
from whyfeel.judging.quotes import normal, quotable
from whyfeel.site.evidence import KINDS, Kind, evidence

Place = tuple[int, int]  # start and end, in code points

MOST_MARKS = 2_000  # of one answer; nobody reads more
_JOIN = re.compile(r"\.{3,}|…")  # what joins two pieces of a quote


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict about words of an answer, wherever these lie.

    Attributes:
        words: a quote, or a clause to the letter.
        trigger: the place of the trigger it is about, None for a claim that no trigger supports.
    """

    words: str
    kind: Kind
    trigger: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an answer, from `start` to before `end` in code points, never empty.

    Attributes:
        kind: of the shortest mark that covers it, which says the most of these words.
        triggers: of all marks that cover it, ascending.
    """

    start: int
    end: int
    kind: Kind
    triggers: tuple[int, ...] = ()


def spans_of(text: str, detail: Mapping[str, Any]) -> list[Span]:
    """The spans of an answer, in order and without overlap; none where the judge tells no words.

    Args:
        text: the answer.
        detail: of its judgement; of a panel the first member that gave verdicts is shown.

    >>> [(one.start, one.end, one.kind) for one in spans_of("Cake, rain", {"matched": [[0, "Cake", 1.0]]})]
    [(0, 4, 'found')]
    """
    detail = evidence(detail)
    if "matched" in detail:
        return laid_out(_clauses(text, clause_marks(detail)[:MOST_MARKS]))
    return laid_out(_quotes(text, quote_marks(detail)[:MOST_MARKS]))


def clause_marks(detail: Mapping[str, Any]) -> list[Mark]:
    """What `overlap` tells."""
    matched = [Mark(words, "found", trigger) for trigger, words, _ in detail["matched"]]
    return matched + [Mark(words, "unsupported") for words in detail.get("unsupported", ())]


def quote_marks(detail: Mapping[str, Any]) -> list[Mark]:
    """What `verdicts` tells."""
    marks = [
        Mark(one["quote"], KINDS[one["verdict"]], place)
        for place, one in enumerate(detail.get("verdicts", ()))
        if one["verdict"] in KINDS
    ]
    return marks + [Mark(one["quote"], "unsupported") for one in detail.get("claims", ())]


def laid_out(marks: Iterable[tuple[Place, Mark]]) -> list[Span]:
    """Marks that may cover each other made into spans that do not; neighbours that say the same are one."""
    placed = sorted(((start, end, mark) for (start, end), mark in marks if start < end), key=lambda one: one[:2])
    if all(one[1] < two[0] for one, two in pairwise(placed)):  # most often nothing is covered twice
        return [Span(start, end, one.kind, () if one.trigger is None else (one.trigger,)) for start, end, one in placed]
    edges = sorted({edge for start, end, _ in placed for edge in (start, end)})
    spans: list[Span] = []
    covering: list[tuple[int, int, Mark]] = []
    waiting = iter(placed)
    upcoming = next(waiting, None)
    for start, end in pairwise(edges):
        covering = [one for one in covering if one[1] > start]
        while upcoming is not None and upcoming[0] <= start:
            covering.append(upcoming)
            upcoming = next(waiting, None)
        if not covering:
            continue
        shortest = min(covering, key=lambda one: (one[1] - one[0], one[2].trigger is None))
        triggers = tuple(sorted({one[2].trigger for one in covering if one[2].trigger is not None}))
        last = spans[-1] if spans else None
        if last is not None and (last.end, last.kind, last.triggers) == (start, shortest[2].kind, triggers):
            spans[-1] = Span(last.start, end, last.kind, triggers)
        else:
            spans.append(Span(start, end, shortest[2].kind, triggers))
    return spans


def _clauses(text: str, marks: Sequence[Mark]) -> Iterator[tuple[Place, Mark]]:
    """Where clauses stand: as the judge cut the answer, where their words stand there more than once."""
    cut: dict[str, list[int]] | None = None
    used: Counter[str] = Counter()
    for mark in marks:
        words = mark.words
        if (start := text.find(words)) < 0 or not words:
            continue
        if text.find(words, start + 1) >= 0:
            cut = _starts(text) if cut is None else cut
            starts = cut.get(words, [start])
            start = starts[min(used[words], len(starts) - 1)]
            used[words] += 1
        yield (start, start + len(words)), mark


def _starts(text: str) -> dict[str, list[int]]:
    """Clause to where it stands, each behind the one before it."""
    starts: dict[str, list[int]] = {}
    at = 0
    for statement in statements(text):
        for clause in statement.heads:
            starts.setdefault(clause.text, []).append(text.find(clause.text, at))
        for clause in statement.clauses:
            if (start := text.find(clause.text, at)) >= 0:
                found = starts.setdefault(clause.text, [])
                if not found or found[-1] != start:  # the whole statement may be one clause
                    found.append(start)
                at = start + len(clause.text)
    return {words: [one for one in found if one >= 0] or [text.find(words)] for words, found in starts.items()}


def _quotes(text: str, marks: Sequence[Mark]) -> Iterator[tuple[Place, Mark]]:
    """Where quotes stand; one in two pieces has two places."""
    if not marks:
        return
    words = Words(text)
    used: Counter[str] = Counter()
    for mark in marks:
        occurrences = words.find(mark.words)
        if occurrences:
            for place in occurrences[min(used[mark.words], len(occurrences) - 1)]:
                yield place, mark
        used[mark.words] += 1


class Words:
    """The words of a text after `normal`, each with the place that it has in the text.

    >>> Words("A **cake**, a Cake").find("cake")
    [[(4, 8)], [(14, 18)]]
    """

    def __init__(self, text: str) -> None:
        self._joined = normal(text)
        placed = [*_placed(text)]
        # normal forms can reach beyond what _placed takes together; then no place is known, rather than a wrong one
        known = [word for word, _, _ in placed] == self._joined.split()
        self._places = [(start, end) for _, start, end in placed] if known else []
        self._numbers: dict[int, int] = {}  # where a word begins in the joined ones, with its blank, to its number
        at = 0
        for number, (word, _, _) in enumerate(placed if known else ()):
            self._numbers[at] = number
            at += len(word) + 2
        self._found: dict[str, list[list[Place]]] = {}

    def find(self, quote: str) -> list[list[Place]]:
        """The places of a quote, one list for each time it occurs; two places where "..." joins two pieces."""
        if (found := self._found.get(quote)) is None:
            found = self._found[quote] = [*self._occurrences(self._pieces(quote))] if self._places else []
        return found

    def _pieces(self, quote: str) -> list[str]:
        key = normal(quote)
        if quotable(key) and key in self._joined:
            return [key]
        pieces = [piece for part in _JOIN.split(quote) if (piece := normal(part))]
        return pieces if len(pieces) == 2 and all(map(quotable, pieces)) else []

    def _occurrences(self, pieces: Sequence[str]) -> Iterator[list[Place]]:
        at = 0
        while pieces:
            found: list[Place] = []
            for piece in pieces:
                if (start := self._joined.find(piece, at)) < 0:
                    return
                at = start + len(piece)
                first = self._numbers[start]
                last = first + len(piece.split()) - 1
                found.append((self._places[first][0], self._places[last][1]))
            yield found


def _placed(text: str) -> Iterator[tuple[str, int, int]]:
    """Each normalised word of a text, and where its characters stand."""
    word, start, end = "", 0, 0
    for at, cluster in _clusters(text):
        for char in _normalised(cluster):
            if char == " ":
                if word:
                    yield word, start, end
                word = ""
            else:
                start = start if word else at
                word, end = word + char, at + len(cluster)
    if word:
        yield word, start, end


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Characters with the marks that combine with them."""
    if text.isascii():
        yield from enumerate(text)
        return
    first = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(text[at]):
            yield first, text[first:at]
            first = at


@lru_cache(maxsize=1 << 12)
def _normalised(cluster: str) -> str:
    """What a character becomes between others: nothing, a blank where it parts words, or letters."""
    return normal(f"a{cluster}a").strip(" ").removeprefix("a").removesuffix("a")
