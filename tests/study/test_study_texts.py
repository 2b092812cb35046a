"""What raters read: the shipped texts suggest no answer and tell what is kept; a researcher's own are checked."""

from __future__ import annotations

import doctest
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from whyfeel.errors import DataError
from whyfeel.study import options as options_module
from whyfeel.study.design import CHOICES, Entry, Kind, Scale, Texts
from whyfeel.study.texts import read_texts, shipped_anchors, told

SEVEN = Scale(-3, 3, {-3: "no", 3: "yes"})
SHIPPED: dict[Kind, Texts] = {"pairwise": read_texts("pairwise", None), "rating": read_texts("rating", SEVEN)}


def test_the_examples_in_the_docstrings() -> None:
    done = doctest.testmod(options_module)
    assert (done.failed, done.attempted > 0) == (0, True)


def words(texts: Texts) -> dict[str, str]:
    """Every text that a rater reads before an answer, but for attention checks."""
    said = {name: getattr(texts, name) for name in ("title", "question", "consent", "notice", "instructions")}
    for kind in ("comprehension", "demographics"):
        for one in getattr(texts, kind):
            said[f"{kind} {one.name}"] = "\n".join([one.question, *one.options])
    return said


@pytest.mark.parametrize("kind", get_args(Kind))
def test_nothing_suggests_an_answer(kind: Kind) -> None:
    for name, text in words(SHIPPED[kind]).items():
        if name != "demographics age":
            # pages, minutes and the age of consent are the only numbers: no point of a scale is named
            assert set(re.findall(r"\d+|\$\w+", text)) <= {"18", "$items", "$minutes", "$identity"}, name
        assert not re.search(r"\b(should|usually|normally|high|low|best|top)\b", text.lower()) or name in {
            "comprehension which",  # asks which point to choose: the one whose words fit
            "demographics gender",
        }
    for one in SHIPPED[kind].demographics:
        assert one.options[-1] == "I prefer not to say"
        assert one.right == -1


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_a_rater_agrees_to_is_told(kind: Kind) -> None:
    texts = SHIPPED[kind]
    assert (len(texts.comprehension), len(texts.attention)) == (2, 4)
    assert len({one.right for one in texts.comprehension}) == 2, "who always takes the first passes nothing"
    assert all(0 < one.right < len(one.options) for one in texts.comprehension)
    said = {}
    for entry in get_args(Entry):
        consent = told(texts, items=24, minutes=9, entry=entry).consent
        for part in ("24 pages", "9 minutes", "voluntary", "skip", "withdraw", "network address", "kept apart"):
            assert part in consent, part
        said[entry] = consent
    assert "Prolific id is kept" in said["prolific"]
    assert "Prolific" not in said["open"] + said["invited"]
    assert "number of your invitation is kept" in said["invited"]
    assert "$" not in "".join(said.values())
    assert "skip" in texts.notice
    assert "Length is no merit" in texts.instructions
    assert "Do not guess who wrote" in texts.instructions


def test_attention_checks_fit_the_answers() -> None:
    assert {one.answer for one in SHIPPED["pairwise"].attention} == set(CHOICES)
    assert [one.answer for one in SHIPPED["rating"].attention] == ["-3", "3", "-3", "3"]
    for one in SHIPPED["rating"].attention:
        assert f"choose {one.answer}" in one.text
    assert list(shipped_anchors()) == [0, 1, 2, 3, 4, 5]


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_texts_go_over_ours(tmp_path: Path) -> None:
    text = """
        consent = "You get $5 for $minutes minutes.\\n\\n<b>Ask \\u0000 us.</b>"
        notice = ""
        comprehension = []
        [[attention]]
        text = "Take $high."
        answer = "$high"
    """
    texts = read_texts("rating", SEVEN, own(tmp_path, text))
    ours = SHIPPED["rating"]
    assert texts.consent == "You get $5 for $minutes minutes.\n\n<b>Ask \ufffd us.</b>"
    assert (texts.notice, texts.comprehension) == ("", ())
    assert [(one.text, one.answer) for one in texts.attention] == [("Take 3.", "3")]
    for one in fields(Texts):
        if one.name not in {"consent", "notice", "comprehension", "attention"}:
            assert getattr(texts, one.name) == getattr(ours, one.name)
    assert told(texts, items=1, minutes=7, entry="open").consent.startswith("You get $5 for 7 minutes.")


QUESTION: dict[str, Any] = {"name": "n", "question": "q?", "options": ["a", "b"], "right": 0}


def toml(**values: object) -> str:
    """Values of JSON are values of TOML where tables stand in line."""
    return "\n".join(f"{name} = {inline(value)}" for name, value in values.items())


def inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not a readable TOML file"),
        ("title = 'a'\ntitle = 'b'", "not a readable TOML file"),
        (toml(instruction="x"), "no 'instruction'.*did you mean 'instructions'"),
        (toml(pairwise={}), "there is no 'pairwise'"),
        (toml(title=3), "title must be a text with words; got 3"),
        (toml(consent=" "), "consent must be a text with words"),
        ("thanks = 2026-01-01", "thanks must be a text"),
        (toml(consent="$minute"), r"\$minute, which nothing fills in; it may have \$items, \$minutes"),
        (toml(attention=[{"text": "$items", "answer": "left"}]), r"\$items, which nothing fills in; it may have none"),
        (toml(title="$low"), r"\$low"),
        (toml(comprehension="x"), r"comprehension must be tables, each begun by \[\[comprehension\]\]"),
        (toml(comprehension=[3]), "must be tables"),
        (toml(comprehension=[QUESTION | {"rihgt": 1}]), r"comprehension.1: there is no 'rihgt'.*did you mean 'right'"),
        (toml(comprehension=[{"name": "n"}]), "comprehension.1 needs 'question'"),
        (toml(comprehension=[QUESTION | {"right": 2}]), "right must be the place of an option, 0 to 1; got 2"),
        (toml(comprehension=[QUESTION | {"right": -1}]), "got -1"),
        (toml(comprehension=[QUESTION | {"right": True}]), "got True"),
        (toml(comprehension=[QUESTION | {"options": ["a"]}]), "two texts or more"),
        (toml(comprehension=[QUESTION | {"options": ["a", "a "]}]), "an option twice"),
        (toml(comprehension=[QUESTION | {"options": ["a", 2]}]), "options must be a text"),
        (toml(comprehension=[QUESTION | {"name": "Two words"}]), "a word of small letters"),
        (toml(comprehension=[QUESTION, QUESTION]), "comprehension.2 has the name 'n' of one before it"),
        (toml(demographics=[QUESTION]), "demographics.1: there is no 'right'"),
        (toml(attention=[{"text": "t", "answer": "middle"}]), "an answer of the study .'left', 'right'.*got 'middle'"),
        (toml(attention=[{"text": "t", "answer": "3"}]), "got '3'"),
        (toml(attention=[{"text": "t"}]), "attention.1 needs 'answer'"),
    ],
)
def test_mistakes_in_own_texts_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = own(tmp_path, text)
    with pytest.raises(DataError, match=said) as raised:
        read_texts("pairwise", None, path)
    assert str(raised.value).startswith(f"--texts: '{path}'")
    assert "\n" not in str(raised.value)


def test_an_attention_check_beyond_the_scale_is_refused(tmp_path: Path) -> None:
    path = own(tmp_path, toml(attention=[{"text": "t", "answer": "4"}]))
    with pytest.raises(DataError, match=r"'-3', '-2'.*got '4'"):
        read_texts("rating", SEVEN, path)
    assert read_texts("rating", Scale(0, 4, {}), path).attention[0].answer == "4"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="readable"):
        read_texts("rating", SEVEN, path)
