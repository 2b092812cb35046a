"""A plan's file: what is written is read back, people may change it, and what is wrong is told in one line."""

from __future__ import annotations

import json
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.annotate.plan_file import plan_hash, read_plan, write_plan
from whyfeel.annotate.questions import frequent_questions
from whyfeel.errors import DataError, UserError

ASKED = {"a": ["Who is there?", 'Is "rain" near the C:\\ dog?'], "b": ["Who is there?"], "c": ["What [now]?"], "d": []}


def test_what_is_written_is_read_back_with_its_evidence(tmp_path: Path) -> None:
    file, plan = tmp_path / "new" / "plan.toml", frequent_questions(ASKED, 2)
    facts = {"vlm": "openai:x", "llm": None, "seed": 7, "samples": ["a.png", "ü/é \x1b\u202e\ud800\U000e0001.png"]}
    write_plan(file, plan, {**facts, "price": 0.5, "local": True, "prompts": {"self-ask plan": {"hash": "0"}}})
    assert read_plan(file) == plan.questions == ("Who is there?", 'Is "rain" near the C:\\ dog?')
    value = tomllib.loads(file.read_text(encoding="utf-8"))
    assert value["made"] == {
        "vlm": "openai:x",
        "seed": 7,
        "samples": ["a.png", "ü/é \x1b\u202e\ufffd\U000e0001.png"],
        "price": 0.5,
        "local": True,
        "prompts": {"self-ask plan": {"hash": "0"}},
    }
    assert value["evidence"] == {"hash": plan_hash(plan.questions), **json.loads(json.dumps(plan.to_json()))}
    assert value["evidence"]["chosen"][0]["pictures"] == 2
    assert [one["question"] for one in value["evidence"]["not_chosen"]] == ["What [now]?"]
    assert not any(unicodedata.category(char) == "Cc" and char != "\n" for char in file.read_text(encoding="utf-8"))


def test_the_same_plan_is_the_same_file(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.toml", "b.toml")]
    for file in files:
        write_plan(file, frequent_questions(ASKED), {"seed": 0})
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == files


def test_the_hash_is_of_the_questions_in_their_order() -> None:
    assert plan_hash(("Who?", "Why?")) == plan_hash(["Who?", "Why?"])
    assert len({plan_hash(one) for one in (["Who?", "Why?"], ["Why?", "Who?"], ["Who?"], ["Who? Why?"])}) == 4


def test_a_plan_without_questions_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="any of 2 pictures, so there is no plan"):
        write_plan(tmp_path / "plan.toml", frequent_questions({"a": [], "b": ["no"]}), {})
    assert not [*tmp_path.iterdir()]


def test_a_plan_may_be_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    for text, expected in (
        ("questions = ['Who?']", ("Who?",)),
        ('questions = [" Que font-ils\u202f? ", """\nWho\\\n is there?"""]', ("Que font-ils\u202f?", "Whois there?")),
        (f"questions = {[f'Question {n}?' for n in range(12)]}", tuple(f"Question {n}?" for n in range(12))),
        (f"other = 1\nquestions = ['{'x' * 399}?']\n[more]\nyes = true", (f"{'x' * 399}?",)),
    ):
        file.write_text(text, encoding="utf-8")
        assert read_plan(file) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questions = [", "not a readable TOML file"),
        (b"questions = ['\xff?']", "not a readable TOML file"),
        ("questions = " + "[" * 5000, "not a readable TOML file"),
        ("question = ['Who?']", 'needs questions = ["…?", …], a list of 1 to 12 texts; got None'),
        ("questions = 'Who?'", "a list of 1 to 12 texts; got 'Who?'"),
        ("questions = []", "a list of 1 to 12 texts; got 0 of them"),
        (f"questions = {[f'{n}?' for n in range(13)]}", "got 13 of them"),
        ("questions = ['Who?', 5]", "question 2 must be a text; got 5"),
        ("questions = ['Who?', '']", "question 2 must have a question mark; got ''"),
        ("questions = ['Tell me who.']", "question 1 must have a question mark; got 'Tell me who.'"),
        ('questions = ["Who?\\nWhy?"]', r"question 1 must be one line; got 'Who?\nWhy?'"),
        ('questions = ["Who\\u2028?"]', r"question 1 must be one line; got 'Who\u2028?'"),
        ('questions = ["Who\\u001b[2J?"]', r"question 1 must be one line; got 'Who\x1b[2J?'"),
        ('questions = ["Who\\u007f?"]', r"question 1 must be one line; got 'Who\x7f?'"),
        (f"questions = ['{'x' * 400}?']", "question 1 must have at most 400 characters; got 'xxx"),
        ("questions = ['Who is it?', 'Why?', ' WHO  is it? ']", "question 3 is question 1 again: ' WHO  is it? '"),
    ],
)
def test_what_is_wrong_is_told(text: str | bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as refused:
        read_plan(file)
    message = str(refused.value)
    assert message.startswith(f"--plan: {str(file)!r}")
    assert says in message
    assert len(message.splitlines()) == 1


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for place in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(DataError, match="not a readable TOML file"):
            read_plan(place)


values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=15).map(lambda text: f"{text}?"), min_size=1, max_size=15), values)
def test_any_plan_and_any_facts_come_back(
    tmp_path_factory: pytest.TempPathFactory, asked: list[str], fact: Any
) -> None:
    plan = frequent_questions({"a": asked, "b": asked[::2]}, 12)
    if not plan.questions:
        return
    file = tmp_path_factory.getbasetemp() / "any.toml"
    write_plan(file, plan, {"fact": fact})
    assert read_plan(file) == plan.questions
    assert tomllib.loads(file.read_text(encoding="utf-8"))["made"] == {"fact": fact}
