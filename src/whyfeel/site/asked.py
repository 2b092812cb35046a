"""The words that models were sent: the asks of one sample, out of a run's ledger; endless ones cut in their middle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from whyfeel.engine import Ledger
from whyfeel.records import Answer, canonical
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.lines import read_responses
from whyfeel.site.book import RunView
from whyfeel.site.shortened import MOST_SENT, middle


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a message: words, or a picture, which is told by the token that stands for it in the ask's key."""

    text: str
    picture: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """One ask as it was sent, and what was answered.

    Attributes:
        whose: the strategy's, or the judge that asked.
        role, model: as the ledger has them.
        settings: sampling settings, and the schema where one was asked for, as JSON; "" for none.
        turns: the messages: who speaks, and the parts.
        answer: what came back.
        text: its words, or as much of them as is shown.
    """

    whose: str
    role: str
    model: str
    settings: str
    turns: tuple[tuple[str, tuple[Words, ...]], ...]
    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The asks that led to one sample's answer and to its verdicts."""

    sample: str
    asks: tuple[Sent, ...]


def asks_of(run: RunView) -> Asked | None:
    """The asks of the first sample about which anybody was asked; None where nobody was, or without a ledger.

    Raises:
        DataError: the ledger or the responses are damaged.
    """
    folder = RunFolder(run.path)
    if not folder.ledger.is_file():
        return None
    with closing(Ledger(folder.ledger, readonly=True)) as ledger:
        for sample, keys in _keys(run, folder):
            if asks := tuple(_told(ledger, keys)):
                return Asked(sample, asks)
    return None


def _keys(run: RunView, folder: RunFolder) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Of each sample, the keys of its asks and whose they are."""
    for place, response in enumerate(read_responses(folder.responses)):
        keys = [("the strategy", key) for key in response.asks]
        for judged in run.judges:
            keys += [(judged.title, key) for key in judged.finished.judgements[place].asks]
        if keys:
            yield response.sample_id, keys


def _told(ledger: Ledger, keys: Iterable[tuple[str, str]]) -> Iterator[Sent]:
    for whose, key in dict.fromkeys(keys):
        asked, answer = ledger.asked(key), ledger.get(key)
        if asked is None or answer is None:
            continue
        turns = tuple((speaker, tuple(map(_part, parts))) for speaker, parts in asked["messages"])
        yield Sent(whose, asked["role"], asked["model"], _settings(asked), turns, answer, middle(answer.text))


def _part(part: Any) -> Words:  # noqa: ANN401 - what JSON holds
    if isinstance(part, str):
        return Words(middle(part, MOST_SENT), picture=False)
    return Words(part["picture"], picture=True)


def _settings(asked: dict[str, Any]) -> str:
    told = {name: asked[name] for name in ("gen", "schema", "repeat") if asked.get(name)}
    return canonical(told) if told else ""
