"""Reading what the models of a chain reply. Every reply is something: what was asked for, or Unusable and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whyfeel.records import KINDS, Answer, Kind
from whyfeel.replies import closed, is_refusal, list_of, misfit, objects_with, question_flags

LONGEST_QUESTION = 400  # characters
_TEXT = {"type": "string"}
PARSE_SCHEMA = closed(person=_TEXT, emotion=_TEXT, task=_TEXT)
_DRAFT: Mapping[str, Mapping[str, Any]] = {
    "trigger": _TEXT,
    "kind": {**_TEXT, "enum": [*KINDS]},
    "explicit": {"type": "boolean"},
    "confidence": {"type": "number"},
    "from": list_of(_TEXT),
}
SUMMARY_SCHEMA = closed(triggers=list_of(closed(**_DRAFT)))
DUPLICATE_SCHEMA = closed(same=list_of(list_of({"type": "integer"})))
BEARS = ("yes", "no", "unclear")
RELEVANT_SCHEMA = closed(
    verdicts=list_of(closed(number={"type": "integer"}, bears={**_TEXT, "enum": [*BEARS]})),
)
GROUNDS = ("seen", "suggested", "absent")
UNCLEAR = "unclear"

_NUMBER = re.compile(r"\s*[0-9]{1,3}[.)](?![0-9])\s*")
_BULLET = re.compile(r"\s*[-*\u2013\u2022](?![0-9])\s*")  # a number after a dash is below nought
_UNPRINTED = {"Cc": " ", "Cs": "\ufffd"}  # controls, surrogates; not UTF-8's own "?", which would make it a question
_WORD = re.compile(r"[^\W\d_]+")
_LABEL = re.compile(r"\b[A-Z][0-9]+\b")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_LOOKED = re.compile(
    r"\s*i(?: am|['\u2019]m)? (?:cannot|can['\u2019]t|can not|unable to|not able to) (?:clearly )?"
    r"(?:see|make out|discern)(?! (?:the |this |that |any )?(?:images?|pictures?|photo\w*)\b)",
    re.IGNORECASE,
)
_QUOTES = "\"'\u201c\u201d\u2018\u2019`*_ "


class Unusable(ValueError):
    """A reply that is not what was asked for; the message tells the model what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a query asks: about whom, which emotion, and the task spelled out."""

    person: str
    emotion: str
    task: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A trigger as a summary names it; None where it does not say."""

    text: str
    kind: Kind | None = None
    explicit: bool | None = None
    confidence: float | None = None
    labels: tuple[str, ...] = ()


def clean(text: str) -> str:
    r"""One printable line without a list's number or bullet before it, and without Markdown's bold.

    >>> clean("2) **a raised**\n fist ")
    'a raised fist'
    """
    plain = "".join(_UNPRINTED.get(unicodedata.category(char), char) for char in text)
    line = " ".join(plain.replace("**", "").split())
    while (match := _NUMBER.match(line) or _BULLET.match(line)) is not None:
        line = line[match.end() :]
    return line


def words_of(text: str) -> str:
    """A trigger's text as it is compared with another: neither case nor a full stop tells them apart."""
    return text.casefold().rstrip(". ")


def declined(answer: Answer) -> bool:
    """Whether a model said nothing, or would not say it."""
    return answer.outcome == "refused" or not answer.text.strip() or is_refusal(answer.text)


def unanswered(answer: Answer) -> bool:
    """Whether a question about the picture was declined; "I cannot see the faces" is an answer to one."""
    return declined(answer) and (answer.outcome == "refused" or not _LOOKED.match(answer.text))


def read_parse(answer: Answer) -> Parsed:
    """The parsed query.

    Raises:
        Unusable: it holds no such object, or its task is blank.
    """
    value = _object(answer, PARSE_SCHEMA, "task")
    parsed = Parsed(*(clean(value[name]) for name in ("person", "emotion", "task")))
    if not parsed.task:
        raise Unusable("'task' is blank")
    return parsed


def read_question(answer: Answer) -> str:
    """The one question of a reply; where only one of its paragraphs holds a question mark, the others are left out.

    Raises:
        Unusable: it was declined, is no question, or is too long.
    """
    if declined(answer):
        raise Unusable("it declines, or says nothing")
    asked = [one for one in _PARAGRAPHS.split(answer.text) if "?" in one]
    question = clean(asked[0] if len(asked) == 1 else answer.text).strip(_QUOTES)
    if answer.outcome == "truncated" or len(question) > LONGEST_QUESTION:
        raise Unusable("it is too long")
    if flags := question_flags(question):
        raise Unusable("it holds no question mark" if "?" not in question else flags[0])
    return question


def read_questions(answer: Answer, most: int) -> tuple[str, ...]:
    """The first `most` different questions of a reply that has one a line.

    Raises:
        Unusable: it holds none.
    """
    lines = dict.fromkeys(map(clean, answer.text.splitlines()))
    found = [line for line in lines if "?" in line and len(line) <= LONGEST_QUESTION and not is_refusal(line)]
    if declined(answer) or not found:
        raise Unusable("it holds no question")
    return tuple(found[:most])


def read_summary(answer: Answer) -> list[Draft]:
    """The triggers of a summary in its form.

    Raises:
        Unusable: it is not in the form.
    """
    return list(_drafts(_object(answer, SUMMARY_SCHEMA, "triggers")["triggers"]))


def salvage_summary(reply: str) -> list[Draft]:
    """The triggers of a summary that is not in its form: what its objects say, or else the items of its list.

    Of several objects the last counts: a model that writes two has thought better of the first. Of one that was cut
    off, the triggers before the cut are whole. What stands in bullets below a numbered item is not another one.
    """
    lists = [value["triggers"] for value in reversed(objects_with(reply, "triggers"))]
    for listed in (*lists, objects_with(reply, "trigger")):
        if isinstance(listed, list) and (found := list(_drafts(listed))):
            return found
    lines = reply.splitlines()
    items = [line for line in lines if _NUMBER.match(line)] or [line for line in lines if _BULLET.match(line)]
    return list(_drafts([*dict.fromkeys(map(clean, items))]))


def read_same(answer: Answer, count: int) -> list[tuple[int, ...]]:
    """Groups of equal statements, by their numbers from 1; each number stands in one group at most.

    Raises:
        Unusable: it is not in the form, or names numbers there are not.
    """
    taken: set[int] = set()
    groups: list[tuple[int, ...]] = []
    for group in _object(answer, DUPLICATE_SCHEMA, "same")["same"]:
        if wrong := [number for number in group if not 1 <= number <= count]:
            raise Unusable(f"there is no statement {wrong[0]}")
        fresh = tuple(number for number in dict.fromkeys(group) if number not in taken)
        if len(fresh) > 1:
            groups.append(fresh)
            taken.update(fresh)
    return groups


def read_bearings(answer: Answer, count: int) -> list[str]:
    """Whether each statement has a bearing: yes, no or unclear, in their order.

    Raises:
        Unusable: it is not in the form, or has not one verdict for each.
    """
    verdicts = _object(answer, RELEVANT_SCHEMA, "verdicts")["verdicts"]
    by_number = {one["number"]: one["bears"] for one in verdicts}
    if len(verdicts) != count or by_number.keys() != set(range(1, count + 1)):
        raise Unusable(f"it has not one verdict for each of the numbers 1 to {count}")
    return [by_number[number] for number in range(1, count + 1)]


def read_grounds(answer: Answer) -> str:
    """Whether a statement is seen, suggested or absent: the first word of the reply.

    Raises:
        Unusable: it begins otherwise.
    """
    first = _WORD.search(answer.text)
    if first is None or (word := first[0].lower()) not in GROUNDS:
        raise Unusable("it does not begin with one of the words asked for")
    return word


def _object(answer: Answer, schema: Mapping[str, Any], mark: str) -> dict[str, Any]:
    found = objects_with(answer.text, mark)
    if not found and answer.outcome == "truncated":
        raise Unusable("it was cut off before its end; be brief")
    if not found:
        raise Unusable("it holds no JSON object of the form asked for")
    if len(found) > 1:
        raise Unusable(f"it holds {len(found)} objects where one is expected")
    if why := misfit(found[0], schema, "the object"):
        raise Unusable(why)
    return found[0]


def _drafts(listed: Sequence[object]) -> Iterator[Draft]:
    """The items that have a text with a word in it; whatever else they lack stays unsaid."""
    for item in listed:
        value: Mapping[str, Any] = item if isinstance(item, dict) else {"trigger": item}
        text, labels = value.get("trigger"), value.get("from")
        if not isinstance(text, str) or not any(map(str.isalnum, line := clean(text))):
            continue
        kind, explicit = value.get("kind"), value.get("explicit")
        yield Draft(
            line,
            kind if kind in KINDS else None,
            explicit if isinstance(explicit, bool) else None,
            _share(value.get("confidence")),
            _labels(labels) if isinstance(labels, list) else (),
        )


def _labels(listed: Sequence[object]) -> tuple[str, ...]:
    """The labels in what a model cites, also where it writes "[g1]" or "G1, S2"."""
    return tuple(label for one in listed if isinstance(one, str) for label in _LABEL.findall(one.upper()))


def _share(value: object) -> float | None:
    """A percentage as a share, None for what is none; nobody states a fraction of one percent, so 0.8 is one already.

    >>> _share(80), _share(0.8), _share(1), _share(101)
    (0.8, 0.8, 0.01, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        return None
    return round(value if isinstance(value, float) and value <= 1 else value / 100, 4)
