"""What raters read: the shipped texts, a researcher's own over them, each checked before a study is frozen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError, brief
from whyfeel.records import storable
from whyfeel.study.design import CHOICES, Attention, Entry, Kind, Question, Scale, Texts

WORDS = ("title", "question", "consent", "notice", "instructions", "thanks")
LISTS = ("comprehension", "attention", "demographics")
FIELDS = ("items", "minutes", "identity")  # what `told` fills in
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
FIELD = re.compile(r"\$([a-z]+)")


def read_texts(kind: Kind, scale: Scale | None, override: Path | None = None) -> Texts:
    """The texts of a study; $items, $minutes and $identity still stand in them for `told` to fill in.

    Args:
        scale: of a rating study, whose ends fill $low and $high; None otherwise.
        override: a TOML file of texts over the shipped ones, by their names in `Texts`.

    Raises:
        DataError: the file is unreadable, or one of its texts cannot be used; says which and what was expected.
    """
    shipped = _shipped()
    table: dict[str, Any] = {name: shipped[name] for name in ("thanks", "notice", "demographics")} | shipped[kind]
    where = "texts.toml"
    if override is not None:
        where = f"--texts: {str(override)!r}"
        table |= _own(override, where)
    ends = {} if scale is None else {"low": str(scale.low), "high": str(scale.high)}
    answers = CHOICES if scale is None else tuple(map(str, scale.points))
    checker = _Checker(where, ends, answers)
    words = {name: checker.text(table[name], name, blank=name == "notice", fields=FIELDS) for name in WORDS}
    comprehension = checker.questions(table["comprehension"], "comprehension", check=True)
    demographics = checker.questions(table["demographics"], "demographics", check=False)
    return Texts(
        **words,
        comprehension=comprehension,
        attention=checker.attention(table["attention"]),
        demographics=demographics,
    )


def told(texts: Texts, *, items: int, minutes: int, entry: Entry) -> Texts:
    """The texts with what this study is: pages a rater sees, minutes they take, what is kept of who a rater is."""
    fields = {"items": str(items), "minutes": str(minutes), "identity": _shipped()["identity"][entry].strip()}
    words: dict[str, Any] = {name: _filled(getattr(texts, name), fields) for name in WORDS}
    return replace(texts, **words)


def shipped_anchors() -> dict[int, str]:
    """What the points of the scale from 0 to 5 mean, in our words."""
    return {int(point): text for point, text in _shipped()["anchors"].items()}


def _shipped() -> dict[str, Any]:
    return tomllib.loads(files("whyfeel.study").joinpath("texts.toml").read_text(encoding="utf-8"))


def _own(path: Path, where: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{where} is not a readable TOML file: {error}") from None
    _known(table, (*WORDS, *LISTS), where)
    return table


def _known(found: Collection[str], known: Collection[str], where: str) -> None:
    """That every name is a known one."""
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{where}: there is no {brief(name)}; expected some of {', '.join(known)}{hint}")


def _filled(text: str, fields: Mapping[str, str]) -> str:
    return FIELD.sub(lambda found: fields.get(found[1], found[0]), text)


@dataclass(frozen=True, slots=True)
class _Checker:
    """Takes what a TOML file holds, or says in one line what is wrong with it.

    Attributes:
        where: how an error begins.
        ends: what $low and $high stand for; none in a pairwise study.
        answers: those of the design.
    """

    where: str
    ends: Mapping[str, str]
    answers: tuple[str, ...]

    def text(self, value: object, what: str, *, blank: bool = False, fields: tuple[str, ...] = ()) -> str:
        """A text, the ends of the scale filled in; `fields` are those that are filled in later."""
        if not isinstance(value, str) or not (blank or value.strip()):
            raise DataError(f"{self.where}: {what} must be a text{'' if blank else ' with words'}; got {brief(value)}")
        known = (*fields, *self.ends)
        for name in FIELD.findall(value):
            if name not in known:
                may = ", ".join("$" + one for one in known) or "none"
                raise DataError(f"{self.where}: {what} has ${name}, which nothing fills in; it may have {may}")
        return storable(_filled(value, self.ends).strip())

    def questions(self, value: object, what: str, *, check: bool) -> tuple[Question, ...]:
        """Questions with options; those of a check with the place of the right one."""
        entries = [self._question(one, place, check=check) for place, one in self._tables(value, what)]
        for place, one in enumerate(entries, 1):
            if any(one.name == other.name for other in entries[: place - 1]):
                raise DataError(f"{self.where}: {what}.{place} has the name {one.name!r} of one before it")
        return tuple(entries)

    def attention(self, value: object) -> tuple[Attention, ...]:
        """Attention checks, each with an answer of the design's."""
        checks = []
        for place, one in self._tables(value, "attention"):
            self._keys(one, ("text", "answer"), place)
            answer = self.text(one["answer"], f"{place}.answer")
            if answer not in self.answers:
                known = ", ".join(map(repr, self.answers[:12]))
                raise DataError(
                    f"{self.where}: {place}.answer must be an answer of the study ({known}); got {answer!r}"
                )
            checks.append(Attention(self.text(one["text"], f"{place}.text"), answer))
        return tuple(checks)

    def _tables(self, value: object, what: str) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise DataError(f"{self.where}: {what} must be tables, each begun by [[{what}]]; got {brief(value)}")
        return [(f"{what}.{place}", one) for place, one in enumerate(value, 1)]

    def _keys(self, table: Mapping[str, Any], wanted: tuple[str, ...], place: str) -> None:
        _known(table, wanted, f"{self.where}: {place}")
        if missing := [name for name in wanted if name not in table]:
            raise DataError(f"{self.where}: {place} needs {missing[0]!r}; it must have {', '.join(wanted)}")

    def _question(self, table: Mapping[str, Any], place: str, *, check: bool) -> Question:
        self._keys(table, ("name", "question", "options", *(["right"] if check else [])), place)
        name, options, right = table["name"], table["options"], table.get("right", -1)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            word = "a word of small letters, digits and _"
            raise DataError(f"{self.where}: {place}.name must be {word}; got {brief(name)}")
        if not isinstance(options, list) or len(options) < 2:
            raise DataError(f"{self.where}: {place}.options must be a list of two texts or more; got {brief(options)}")
        words = [self.text(one, f"{place}.options") for one in options]
        if len(set(words)) < len(words):
            raise DataError(f"{self.where}: {place}.options has an option twice: {brief(options)}")
        if check and (not isinstance(right, int) or isinstance(right, bool) or not 0 <= right < len(options)):
            most = len(options) - 1
            raise DataError(
                f"{self.where}: {place}.right must be the place of an option, 0 to {most}; got {brief(right)}"
            )
        return Question(name, self.text(table["question"], f"{place}.question"), tuple(words), right)
