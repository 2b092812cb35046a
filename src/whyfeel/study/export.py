"""A study as tables for other programs: votes, raters, items, and apart from them who is to be paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from whyfeel.study.collected import Collected, Trial
from whyfeel.study.design import SKIP, Design, Item
from whyfeel.study.exclusions import Rule, Vote, as_asked, excluded, votes_of
from whyfeel.study.results import moment
from whyfeel.study.sheets import Cell, csv_text
from whyfeel.study.steadiness import raters_of

VOTES, RATERS, ITEMS, RATINGS = "votes.csv", "raters.csv", "items.csv", "ratings.csv"
PAYMENTS, DEMOGRAPHICS = "payments.csv", "demographics.csv"
Columns = Mapping[str, str]

PAIR: Columns = {
    "system_left": "which system's text stood on the left, or above",
    "system_right": "the other one",
    "answer": "as it was given: left, right, both good, both bad, or skip",
    "preferred": "the system of the preferred text, or both good or both bad; of an attention check, passed or failed",
}
SINGLE: Columns = {
    "system": "whose text was rated",
    "answer": "the point that was given, or skip",
    "preferred": "of an attention check, passed or failed",
}
ANSWERED: Columns = {
    "seconds": "from the first showing to the answer",
    "shown": "when, UTC",
    "answered": "when, UTC",
    "comment": "what the rater wrote",
    "excluded": "why the rater does not count, by the first rule of the design that applies; empty where they do",
}
TRIAL: Columns = {
    "rater": "a number that tells nothing of the person",
    "place": "from 1, the order in which the rater saw them",
    "role": "item: a vote; repeat: the same item a second time, sides exchanged; attention: a check, no vote",
    "item": "as in items.csv",
    "sample": "the task's sample",
}
RATER: Columns = {
    "rater": "as in votes.csv",
    "status": "how far they are: consented, working, finished, screened out, or withdrawn",
    "excluded": "every rule that leaves them out",
    "votes": "answers to items",
    "skips": "items they would rather not answer",
    "median_seconds": "from an item's being shown to its answer",
    "attention_answered": "attention checks answered",
    "attention_failed": "of them, otherwise than they ask for",
    "repeats_answered": "items answered twice",
    "repeats_same": "of them, in the same way",
}
TEXT: Columns = {
    "item": "a hash",
    "sample": "the task's sample",
    "cluster": "items that share it show one picture",
    "question": "what the texts answer",
    "picture": "the file in the study's folder pictures",
    "caption": "shown with the picture",
    "article": "shown with the picture",
}
CANDIDATE: Columns = {"candidate": "a hash", "system": "whose text it is", "text": "the text, as it was written"}
RATING: Columns = {"item": "as in items.csv", "rater": "as in votes.csv", "rating": "the point; of raters who count"}
PAYMENT: Columns = {
    "entrant": "who they are to whoever sent them",
    "completed": "yes or no",
}


def columns(design: Design) -> dict[str, Columns]:
    """The columns of every file, each with what it holds."""
    n = len(design.items[0].candidates) if design.items else 1
    numbered = [f"_{k}" for k in range(1, n + 1)] if n > 1 else [""]
    texts = {f"{name}{end}": told for end in numbered for name, told in CANDIDATE.items()}
    questions = {one.name: one.question for one in design.texts.demographics}
    return {
        VOTES: {**TRIAL, **(PAIR if design.kind == "pairwise" else SINGLE), **ANSWERED},
        RATERS: RATER,
        ITEMS: {**TEXT, **texts},
        **({RATINGS: RATING} if design.kind == "rating" else {}),
        PAYMENTS: PAYMENT,
        DEMOGRAPHICS: {"rater": "as in votes.csv", **questions},
    }


def sheets(
    design: Design, collected: Collected, names: Mapping[int, str] | None, *, demographics: bool
) -> dict[str, str]:
    """The files as CSV.

    Of people who withdrew there are no answers, only that they did.

    Args:
        design: the study.
        collected: what the store holds.
        names: what systems are called instead of their numbers, None while the study is blind.
        demographics: whether what raters said of themselves is among them.

    Raises:
        DataError: an answer is none of the design's.
    """
    out = excluded(design, collected)
    rows = {
        VOTES: _trials(design, collected, out, names),
        RATERS: _raters(design, collected, out),
        ITEMS: (_item(item, names) for item in design.items),
        RATINGS: ((one.item.id, _name(one.rater), one.rating) for one in votes_of(design, collected, out)),
        PAYMENTS: _payments(collected),
        DEMOGRAPHICS: _demographics(design, collected),
    }
    wanted = [file for file in columns(design) if demographics or file != DEMOGRAPHICS]
    return {file: csv_text(list(columns(design)[file]), rows[file]) for file in wanted}


def _trials(
    design: Design, collected: Collected, out: Mapping[int, Sequence[Rule]], names: Mapping[int, str] | None
) -> Iterator[list[Cell]]:
    gone = {rater.id for rater in collected.raters if rater.status == "withdrawn"}
    for trial in collected.trials:
        if not trial.answer or trial.rater in gone:
            continue
        item = None if trial.role == "attention" else design.by_id.get(trial.item)
        where: list[Cell] = [_name(trial.rater), trial.place, trial.role, trial.item, item.sample if item else ""]
        yield where + _answer(design, trial, item, names) + _ending(trial, out.get(trial.rater, ()))


def _answer(design: Design, trial: Trial, item: Item | None, names: Mapping[int, str] | None) -> list[Cell]:
    """The systems, the answer as it was given, and what it means."""
    number = design.kind == "rating" and trial.answer != SKIP
    answer: Cell = int(trial.answer) if number else trial.answer
    if item is None:
        blank: list[Cell] = [None] * (2 if design.kind == "pairwise" else 1)
        told = "" if trial.answer == SKIP else "passed" if as_asked(design, trial) else "failed"
        return [*blank, answer, told]
    vote = Vote(item, trial)
    sides: list[Cell] = [_system(one, names) for one in vote.sides]
    return [*sides, answer, _preferred(vote, names) if design.kind == "pairwise" else ""]


def _preferred(vote: Vote, names: Mapping[int, str] | None) -> Cell:
    if vote.trial.answer == SKIP:
        return ""
    choice = vote.choice
    return _system(vote.systems["AB".index(choice)], names) if choice in ("A", "B") else choice


def _ending(trial: Trial, rules: Sequence[Rule]) -> list[Cell]:
    seconds = None if trial.seconds is None else round(trial.seconds, 3)
    times = [None if at is None else moment(at) for at in (trial.shown, trial.answered)]
    return [seconds, *times, trial.comment, rules[0] if rules else ""]


def _raters(design: Design, collected: Collected, out: Mapping[int, Sequence[Rule]]) -> Iterator[list[Cell]]:
    for one in raters_of(design, collected, out):
        head: list[Cell] = [one["rater"], one["status"], "; ".join(one["excluded"])]
        if one["status"] == "withdrawn":
            yield [*head, *[None] * (len(RATER) - 3)]
            continue
        pairs = (("attention", "answered"), ("attention", "failed"), ("repeats", "answered"), ("repeats", "same"))
        yield [*head, one["votes"], one["skips"], one["median_seconds"], *(one[of][what] for of, what in pairs)]


def _item(item: Item, names: Mapping[int, str] | None) -> list[Cell]:
    head: list[Cell] = [item.id, item.sample, item.cluster, item.question, item.picture, item.caption, item.article]
    for one in item.candidates:
        head += [one.id, _system(one.system, names), one.text]
    return head


def _payments(collected: Collected) -> list[list[Cell]]:
    """By name, without rater numbers, times or statuses, which raters.csv has, too, and may have only once."""
    waiting = {one.rater for one in collected.trials if one.answered is None and not one.passed_on}
    worked = {one.rater for one in collected.trials}
    # also one who withdrew at the end has done the work
    done = {one.id for one in collected.raters if one.status == "finished" or one.id in worked - waiting}
    return sorted([one.entrant, "yes" if one.id in done else "no"] for one in collected.raters if one.entrant)


def _demographics(design: Design, collected: Collected) -> Iterator[list[Cell]]:
    for rater in collected.raters:
        told = collected.demographics.get(rater.id)
        if told is not None and rater.status != "withdrawn":
            yield [rater.name, *(told.get(one.name, "") for one in design.texts.demographics)]


def _name(rater: int) -> str:
    return f"r{rater:03}"


def _system(number: int, names: Mapping[int, str] | None) -> Cell:
    return number if names is None else names[number]
