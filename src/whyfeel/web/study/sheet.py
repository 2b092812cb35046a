"""What one trial shows, and what may be answered to it."""

from __future__ import annotations

from dataclasses import dataclass

from whyfeel.media import Header
from whyfeel.records import rng
from whyfeel.study.collected import Outline, Trial
from whyfeel.study.design import SKIP, Design, Item
from whyfeel.web.study.site import Site

SIDES = ("A", "B")
WORDS = {"left": "A is better", "right": "B is better", "both good": "Both are good", "both bad": "Both are bad"}
NOT_SHOWN = "The picture cannot be shown: its file is missing or damaged. Judge by the words, or skip this one."
NO_PICTURE = "This one comes without a picture."


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer.

    Attributes:
        value: as the form sends it.
        words: as the page says it.
        key: that chooses it, "" for none.
        anchor: what a point of a scale means, "" where that is not told.
    """

    value: str
    words: str
    key: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One trial, as it is shown. It tells nothing of who wrote what, nor whether it is a check.

    Attributes:
        number, trials: "7 of 24".
        picture: of the item, with its header; "" and None where none can be shown.
        no_picture: why none is shown.
        texts: each with the letter above it, "" for a single one.
    """

    place: int
    number: int
    trials: int
    question: str
    picture: str
    header: Header | None
    no_picture: str
    caption: str
    article: str
    texts: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]


def sheet_of(site: Site, trial: Trial, outline: Outline) -> Sheet:
    """What a trial shows."""
    item = shown_item(site.design, trial)
    header = site.header(item.picture) if item.picture else None
    return Sheet(
        place=trial.place,
        number=min(outline.answered + 1, outline.trials),
        trials=outline.trials,
        question=item.question,
        picture=item.picture if header else "",
        header=header,
        no_picture="" if header else NOT_SHOWN if item.picture else NO_PICTURE,
        caption=item.caption,
        article=item.article,
        texts=_texts(site.design, trial, item),
        choices=choices_of(site.design),
    )


def shown_item(design: Design, trial: Trial) -> Item:
    """The item of a trial; an attention check stands in the place of one that is drawn for it."""
    if trial.role != "attention":
        return design.by_id[trial.item]
    drawn = rng(design.seed, "attention check", str(trial.rater), str(trial.place)).integers(len(design.items))
    return design.items[int(drawn)]


def _texts(design: Design, trial: Trial, item: Item) -> tuple[tuple[str, str], ...]:
    texts = [one.text for one in item.candidates]
    if trial.role == "attention":
        texts = [design.texts.attention[int(trial.item)].text] * len(texts)
    if trial.swapped:
        texts.reverse()
    return tuple(zip(SIDES, texts, strict=True)) if design.kind == "pairwise" else (("", texts[0]),)


def choices_of(design: Design) -> tuple[Choice, ...]:
    """What may be answered to an item, but for a skip."""
    if design.scale is None:
        return tuple(Choice(one, WORDS[one], str(n)) for n, one in enumerate(design.answers, 1))
    keyed = design.scale.low >= 0 and design.scale.high <= 9
    return tuple(
        Choice(str(point), str(point), str(point) if keyed else "", design.scale.anchors.get(point, ""))
        for point in design.scale.points
    )


def told(answer: str) -> str:
    """An answer that was given, in a sentence."""
    if answer == SKIP:
        return "You skipped this one."
    return f"Your answer: {WORDS.get(answer, answer)}."
