"""The design of a study: what is shown to whom, and by which rules it counts. It is frozen when it is created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter

from whyfeel.records import content_id

SCHEMA = 1
Kind = Literal["pairwise", "rating"]
Entry = Literal["open", "invited", "prolific"]
Choice = Literal["left", "right", "both good", "both bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
SKIP = "skip"  # what stands for an answer where a rater would rather not give one
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text that people judge.

    Attributes:
        id: a hash; it tells nothing of where the text comes from.
        text: what is shown, as it was written.
        system: the number of its source, from 1. Which source that is stands in the key alone.
    """

    __pydantic_config__ = STRICT

    id: str
    text: str
    system: int


@dataclass(frozen=True, slots=True)
class Item:
    """What a rater is asked about at one time: a picture, an emotion, and the texts about it.

    Attributes:
        id: a hash.
        sample: the id of the task's sample.
        cluster: items that share it are not independent (the same picture).
        question: what the texts answer.
        picture: the name of its file in the study's pictures, "" where none is shown.
        caption, article: what is shown with the picture, "" for nothing.
        candidates: two in a pairwise study, one in a rating study.
    """

    __pydantic_config__ = STRICT

    id: str
    sample: str
    cluster: str
    question: str
    picture: str
    caption: str
    article: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """The points of a rating, whole numbers from `low` to `high`; `anchors` says what some of them mean."""

    __pydantic_config__ = STRICT

    low: int
    high: int
    anchors: Mapping[int, str]

    @property
    def points(self) -> tuple[int, ...]:
        """Every point, lowest first."""
        return tuple(range(self.low, self.high + 1))


@dataclass(frozen=True, slots=True)
class Question:
    """A question with options; of the comprehension check, `right` is the place of the right one, from 0.

    Attributes:
        name: what its answers are filed under: a word.
    """

    __pydantic_config__ = STRICT

    name: str
    question: str
    options: tuple[str, ...]
    right: int = -1


@dataclass(frozen=True, slots=True)
class Attention:
    """An item that asks for one answer, to see whether texts are read: its words, and that answer."""

    __pydantic_config__ = STRICT

    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What raters read. Paragraphs are parted by blank lines; nothing in them is markup.

    Attributes:
        title: of the pages.
        question: what is asked of every item.
        consent: what a rater agrees to.
        notice: what may distress, "" for nothing.
        instructions: how to judge.
        comprehension: questions about the instructions; may be none.
        attention: as many checks are drawn from these as a rater gets.
        demographics: optional questions, asked at the end; may be none.
        thanks: what stands above the completion code.
    """

    __pydantic_config__ = STRICT

    title: str
    question: str
    consent: str
    notice: str
    instructions: str
    comprehension: tuple[Question, ...]
    attention: tuple[Attention, ...]
    demographics: tuple[Question, ...]
    thanks: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How items go to raters.

    Attributes:
        ratings: votes an item is to get.
        items: a rater gets at most.
        repeats: of them that come a second time, sides exchanged, to see how steady a rater is.
        attention: attention checks a rater gets.
        entry: who may take part: whoever has the address, the holders of a link each, or whoever comes from Prolific.
        seats: links of an invited study; 0 otherwise.
        lease: seconds without a sign of life after which a rater's open items may go to others.
        completion_code: shown at the end, "" for none.
    """

    __pydantic_config__ = STRICT

    ratings: int
    items: int
    repeats: int
    attention: int
    entry: Entry
    seats: int
    lease: float
    completion_code: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Who does not count. They are fixed before the first vote, so that nobody can choose them by their effect.

    Attributes:
        tries: at the comprehension check; whoever fails so often is turned away.
        attention: attention checks that may be failed.
        seconds: the least median time from an item's being shown to its answer.
        alike: whether a rater is left out whose answers, ten or more, all are the same choice or point.
    """

    __pydantic_config__ = STRICT

    tries: int
    attention: int
    seconds: float
    alike: bool


@dataclass(frozen=True)
class Design:
    """A study.

    Attributes:
        schema: of this record.
        kind: two texts are compared, or one is rated.
        task: whose samples these are.
        seed: of everything drawn in the study.
        created: when, UTC.
        scale: of a rating study; None otherwise.
        items: in an order that tells nothing.
        left_out: reason to how many samples or pairs made no item.
        texts, terms, rules: see there.
    """

    __pydantic_config__ = STRICT

    schema: int
    kind: Kind
    task: str
    seed: int
    created: str
    scale: Scale | None
    items: tuple[Item, ...]
    left_out: Mapping[str, int]
    texts: Texts
    terms: Terms
    rules: Rules

    @cached_property
    def digest(self) -> str:
        """32 hex digits that change with anything in the design."""
        return content_id(self.to_json())

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        """The items by their ids."""
        return {item.id: item for item in self.items}

    @property
    def systems(self) -> tuple[int, ...]:
        """The numbers of the sources, from 1."""
        return tuple(sorted({one.system for item in self.items for one in item.candidates}))

    @property
    def answers(self) -> tuple[str, ...]:
        """What a rater may answer to an item, but for SKIP."""
        return CHOICES if self.scale is None else tuple(map(str, self.scale.points))

    def to_json(self) -> dict[str, Any]:
        """What design.json holds."""
        return dict(DESIGN.dump_python(self, mode="json"))


@dataclass(frozen=True, slots=True)
class Source:
    """Who wrote the texts of one system.

    Attributes:
        name: as tables call it once the study is unblinded: "model strategy", or "human".
        kind: a run's answers, or the references of the data.
        run: the run folder, "" for references.
        responses: SHA-256 of its responses.jsonl, by which the run is known wherever it lies; "" for references.
    """

    __pydantic_config__ = STRICT

    name: str
    kind: Literal["run", "human"]
    run: str
    responses: str


@dataclass(frozen=True, slots=True)
class Key:
    """What unblinds a study: the source of each system. It is never read before that is asked for.

    Attributes:
        design: the digest of the design it belongs to.
        systems: number, from 1, to source.
    """

    __pydantic_config__ = STRICT

    design: str
    systems: Mapping[int, Source]

    def to_json(self) -> dict[str, Any]:
        """What key.json holds."""
        return dict(KEY.dump_python(self, mode="json"))


DESIGN = TypeAdapter(Design)
KEY = TypeAdapter(Key)
