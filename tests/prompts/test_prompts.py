"""Prompt texts: shipped, filled, overridden, and known by their hash."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.errors import DataError
from whyfeel.prompts import Prompts, load_prompts, shipped_prompts
from whyfeel.records import Sample, Text, user_turn
from whyfeel.strategies import build_strategy
from whyfeel.strategies.direct import Direct

Write = Callable[[str], Path]

# What the code fills in, prompt by prompt. A text that asks for anything else would fail in the middle of a run.
FILLED = {
    ("caption", "ask"): set[str](),
    ("caption", "user"): {"caption", "direct"},
    ("caption", "text_only"): {"caption", "question"},
    ("caption", "missing"): set[str](),
    ("persona", "assistant"): set[str](),
    ("persona", "architect"): set[str](),
    ("persona", "emotion-expert"): set[str](),
    ("cot", "suffix"): set[str](),
    ("direct", "user"): {"question"},
    ("official", "system"): {"answer", "truth"},
    ("official", "user"): {"answer", "truth"},
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an override file."""

    def written(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_the_shipped_texts_ask_for_nothing_that_is_not_filled_in() -> None:
    shipped = shipped_prompts()
    texts = {(prompt, name): text for prompt, fields in shipped.texts.items() for name, text in fields.items()}
    assert set(texts) >= set(FILLED)
    for place, text in texts.items():
        template = string.Template(text)
        assert template.is_valid(), place
        if place in FILLED:
            assert set(template.get_identifiers()) <= FILLED[place], place


def test_the_shipped_texts_carry_their_version_and_no_stray_lines() -> None:
    shipped = shipped_prompts()
    assert set(shipped.origin) == set(shipped.texts)
    assert all(origin.startswith("whyfeel v") for origin in shipped.origin.values())
    for fields in shipped.texts.values():
        assert not {"id", "version"} & set(fields)
        assert all(text.strip() and text == text.strip("\n") for text in fields.values())


def test_what_must_be_shown_is_shown() -> None:
    shipped = shipped_prompts()
    assert "Why is she sad?" in shipped.fill("direct", "user", question="Why is she sad?")
    judged = shipped.fill("official", "user", answer="THE ANSWER", truth="THE TRUTH")
    assert "THE ANSWER" in judged
    assert "THE TRUTH" in judged


odd = st.text() | st.sampled_from(["$question", "${question}", "$$", "$", "{question}", "{0}", "%s", "\\1", "$truth"])


@settings(deadline=None)
@given(odd, odd)
def test_values_are_never_interpreted(one: str, other: str) -> None:
    prompts = Prompts({"p": {"user": "A: $answer; ${truth}! $$5"}}, {"p": "here"})
    assert prompts.fill("p", "user", answer=one, truth=other) == f"A: {one}; {other}! $5"


def test_a_value_that_is_missing_is_an_error_and_no_blank() -> None:
    with pytest.raises(KeyError, match="question"):
        shipped_prompts().fill("direct", "user", answer="x")


def test_an_override_replaces_one_text_and_leaves_the_others(write: Write) -> None:
    shipped = shipped_prompts()
    prompts = load_prompts(write('[official]\nuser = """$truth | $answer | $$1 | {score: 3/6}"""\n'))
    assert prompts.fill("official", "user", answer="a", truth="t") == "t | a | $1 | {score: 3/6}"
    assert prompts.texts["official"]["system"] == shipped.texts["official"]["system"]
    assert prompts.texts["direct"] == shipped.texts["direct"]
    assert prompts.origin == {**shipped.origin, "official": "mine.toml"}
    assert load_prompts() == shipped


def test_an_override_reaches_the_words_that_are_sent(write: Write) -> None:
    prompts = load_prompts(write('[direct]\nuser = "Warum? $question"\n'))
    asking = Direct(prompts).respond(Sample("s", "Why is he angry?", "angry", (), (), "s"))
    assert "Warum? Why is he angry?" in str(next(asking))


def test_an_override_may_lower_case_the_question_and_write_a_dollar_sign(write: Write) -> None:
    prompts = load_prompts(write('[direct]\nuser = "$question_lower!"\n[cot]\nsuffix = "Think for $$5."\n'))
    strategy = build_strategy("direct+cot", prompts)
    asking = strategy.respond(Sample("s", "Why is Ünal ANGRY?", "angry", (), (), "s"))
    assert next(asking).messages == user_turn(Text("why is ünal angry?! Think for $5."))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[persona]\nnone = "x"', "persona.'none' must be a text and one of: architect, assistant, emotion-expert"),
        ('[caption]\nuser = "$caption"', "must use $caption, $direct"),
        ('[caption]\nask = "$question_lower"', "must use no $ field"),
        ('[directt]\nuser = "x"', "no prompt 'directt'; there are caption, controls, cot, direct, emotion-prompt"),
        ('["a\\nb"]\nuser = "x"', "no prompt 'a\\nb'"),
        ('direct = "x"', "[direct]"),
        ("[[direct]]\n[[direct]]", "[direct]"),
        ('[direct]\nusr = "x"', "direct.'usr' must be a text and one of: user"),
        ('[direct]\n"a\\nb" = "x"', "direct.'a\\nb' must be a text"),
        ("[direct]\nuser = 3", "must be a text"),
        ('[direct]\nuser = ["x"]', "must be a text"),
        ('[direct]\nuser = "$emotion"', "must use $question"),
        ('[direct]\nuser = "$question ${sample.id}"', "must use $question"),
        ('[direct]\nuser = "$Question"', "must use $question"),
        ('[direct]\nuser = "$question for $5"', "must use $question"),
        ('[cot]\nsuffix = "for $5"', "write $$ for a dollar sign"),
        ("[direct", "is not a readable TOML file"),
        ("direct: user", "is not a readable TOML file"),
        ("x = " + "[" * 100_000, "is not a readable TOML file"),
    ],
)
def test_a_bad_override_is_refused_in_one_line(write: Write, text: str, says: str) -> None:
    with pytest.raises(DataError, match=r"\A--prompts: [^\n]+\Z") as refused:
        load_prompts(write(text))
    assert says in str(refused.value)


def test_an_override_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[direct]\nuser = "caf\xe9"\n')
    for path in (tmp_path / "nothing.toml", tmp_path, tmp_path / "latin.toml", tmp_path / "a\0b"):
        with pytest.raises(DataError, match=r"\A--prompts: [^\n]+\Z") as refused:
            load_prompts(path)
        assert repr(str(path)) in str(refused.value)


def test_the_manifest_knows_every_text_by_its_hash(write: Write) -> None:
    shipped = shipped_prompts().manifest()
    mine = load_prompts(write('[direct]\nuser = "Look at the picture. $question"\n')).manifest()
    assert list(mine) == list(shipped) == sorted(shipped)
    assert mine["direct"]["origin"] == "mine.toml"
    assert mine["direct"]["hash"] != shipped["direct"]["hash"]
    assert {name: entry for name, entry in mine.items() if name != "direct"} == {
        name: entry for name, entry in shipped.items() if name != "direct"
    }


def test_a_hash_depends_on_the_words_and_not_on_where_they_come_from() -> None:
    def hashed(origin: str, **texts: str) -> str:
        return Prompts({"p": texts}, {"p": origin}).manifest()["p"]["hash"]

    assert hashed("a", user="x", system="y") == hashed("b", system="y", user="x")
    assert len({hashed("a", user="x"), hashed("a", user="x "), hashed("a", system="x")}) == 3
