"""A plan as a TOML file: the general questions, which people may change, and below them the evidence they rest on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyfeel.annotate.questions import QuestionPlan
from whyfeel.errors import DataError, UserError, brief
from whyfeel.records import content_id
from whyfeel.runs.folder import write_whole
from whyfeel.strategies.self_ask.readers import LONGEST_QUESTION

SURROGATE = re.compile("[\ud800-\udfff]")
MOST = 12  # general questions of a chain
HEAD = """\
# General questions of the self-ask chain: `whyfeel annotate --plan` asks them about every picture. They may be changed:
# only `questions` is read, what stands below it is how they were found.
"""


def plan_hash(questions: Sequence[str]) -> str:
    """32 hex digits that depend on what is asked and in which order, and on nothing else of a plan."""
    return content_id(list(questions))


def write_plan(path: Path, plan: QuestionPlan, facts: Mapping[str, Any]) -> None:
    """Write a plan, whole or not at all.

    Args:
        facts: how it was made: models, seed, sample ids; texts, numbers, lists and tables of them, None left out.

    Raises:
        UserError: it has no question.
        StoreFailed: it cannot be written.
    """
    if not plan.questions:
        raise UserError(
            f"no usable question was asked about any of {plan.silent} pictures, so there is no plan; "
            "the ledger has what was replied instead"
        )
    import tomli_w  # noqa: PLC0415 - to annotate by a plan needs none of it

    told = {name: value for name, value in facts.items() if value is not None}
    evidence = {"hash": plan_hash(plan.questions), **plan.to_json()}
    text = tomli_w.dumps({"questions": list(plan.questions), "made": told, "evidence": evidence}, indent=2)
    write_whole(path, [SURROGATE.sub("\ufffd", HEAD + text).encode()])  # TOML has none


def read_plan(path: Path) -> tuple[str, ...]:
    """The questions of a plan; the evidence is for people, and a plan written by hand needs none.

    Raises:
        DataError: the file is unreadable, or does not hold 1 to 12 different questions, each one line with a "?".
    """
    where = repr(str(path))
    try:
        questions = tomllib.loads(path.read_text(encoding="utf-8")).get("questions")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"--plan: {where} is not a readable TOML file: {error}") from None
    if not isinstance(questions, list) or not 1 <= len(questions) <= MOST:
        got = f"{len(questions)} of them" if isinstance(questions, list) else brief(questions)
        raise DataError(f'--plan: {where} needs questions = ["…?", …], a list of 1 to {MOST} texts; got {got}')
    seen: dict[str, int] = {}
    for number, question in enumerate(questions, 1):
        if why := _unfit(question):
            raise DataError(f"--plan: {where}, question {number} {why}; got {brief(question)}")
        if (first := seen.setdefault(" ".join(question.lower().split()), number)) != number:
            raise DataError(f"--plan: {where}, question {number} is question {first} again: {brief(question)}")
    return tuple(question.strip() for question in questions)


def _unfit(question: object) -> str:
    """What keeps a value from being asked; "" where nothing does."""
    if not isinstance(question, str):
        return "must be a text"
    line = question.strip()
    if len(line.splitlines()) > 1 or any(ord(char) < 32 or ord(char) == 127 for char in line):
        return "must be one line"
    if "?" not in line:
        return "must have a question mark"
    return "" if len(line) <= LONGEST_QUESTION else f"must have at most {LONGEST_QUESTION} characters"
