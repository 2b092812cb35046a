"""Annotations survive the way through their files."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import KINDS, AnnotatedTrigger, Annotation, Step, Unscored, json_line, numbered

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ud800\u2028\n"), max_size=12)
keys = st.lists(texts, max_size=3).map(tuple)
triggers = st.builds(
    AnnotatedTrigger,
    *(texts, texts, st.none() | st.sampled_from(KINDS), st.none() | st.booleans(), st.none() | st.floats(0, 1)),
    *(keys, st.dictionaries(texts, texts, max_size=2), texts, keys),
)
annotations = st.builds(
    Annotation,
    *(texts, st.none() | texts, texts, texts, texts, texts),
    *(st.lists(triggers, max_size=3).map(tuple), st.lists(st.builds(Step, *[texts] * 5), max_size=3).map(tuple), keys),
    st.none() | st.builds(Unscored, texts, texts),
)


@settings(deadline=None, max_examples=60)
@given(annotations)
def test_an_annotation_survives_its_file(annotation: Annotation) -> None:
    line = json_line(annotation.to_json())
    assert len(line.splitlines()) == 1
    line.encode()
    back = Annotation.from_json(json.loads(line))
    assert back == annotation
    assert json_line(back.to_json()) == line


RAIN = AnnotatedTrigger("t1", "Rain", "environment", True, 0.5, ("k1",), {"grounded": "seen"})
CHAIR = AnnotatedTrigger("t2", "Chair", dropped="duplicate of t1", gates={"duplicate": "t1"}, merged=("Seat",))
ONE = Annotation(
    *("s1", "a.png", "sad", "she", "Why?", "Why is she sad?", (RAIN, CHAIR)),
    steps=(
        Step("general", "G1", "How many?", "Two.", "k1"),
        Step("summary", "", "", "{}", "k2"),
        Step("grounded", "", "Rain", "seen", "k1"),
    ),
    flags=("answers declined",),
)


def test_the_line_is_what_the_file_promises() -> None:
    line = json.loads(json_line(ONE.to_json()))
    assert list(line) == [
        *("id", "image", "emotion", "person", "query", "question", "triggers", "steps", "flags", "unscored"),
    ]
    assert line["triggers"][1] == {
        "id": "t2",
        "text": "Chair",
        "kind": None,
        "explicit": None,
        "confidence": None,
        "asks": [],
        "gates": {"duplicate": "t1"},
        "dropped": "duplicate of t1",
        "merged": ["Seat"],
    }
    general = {"phase": "general", "label": "G1", "question": "How many?", "answer": "Two.", "ask": "k1"}
    assert line["steps"][0] == general
    assert (line["id"], line["unscored"]) == ("s1", None)


def test_what_counts_and_what_was_asked() -> None:
    assert ONE.kept == (RAIN,)
    assert ONE.asks == ("k1", "k2")
    nothing = Annotation("s2", unscored=Unscored("timeout", "60 s"))
    assert (nothing.kept, nothing.asks) == ((), ())
    assert nothing.to_json()["unscored"] == {"reason": "timeout", "detail": "60 s"}


def test_triggers_in_the_released_form() -> None:
    assert numbered([]) == ""
    assert numbered(f"c{n}" for n in range(1, 11)).splitlines()[8:] == ["9. c9", "10. c10"]


def test_records_are_frozen() -> None:
    for record in (ONE, RAIN, ONE.steps[0]):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            record.asks = ()  # type: ignore[union-attr,misc]
