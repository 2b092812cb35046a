"""Whose reason is whose: the workers' groups, read as the task reads their reasons; the file is our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import DataError, UserError
from whyfeel.tasks.socratis import Socratis
from whyfeel.tasks.socratis_groups import GROUPINGS, NOT_TOLD, Reason, read_reasons

NOBODY = frozenset({NOT_TOLD})


def written(folder: Path, value: object) -> Path:
    path = folder / "socratis.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def entry(who: object, *slots: tuple[Any, Any], image: Any = "a.png") -> list[Any]:
    emotions, reasons = zip(*slots, *[("", None)] * (3 - len(slots)), strict=True)
    return [image, "A caption.", list(emotions), list(reasons), who]


def test_a_reason_has_the_groups_of_who_gave_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "P1": [
                entry({"age": " 25-34 "}, ("agry", " So\nit is. "), ("None", "No."), ("sad", None)),
                entry({"age": "55-64"}, ("Angry", "So it is."), ("sad", "Rain.")),
                entry({"age": "18-24"}, ("sad", "Another."), image="b.png"),
                entry({"age": "18-24"}, ("", "No emotion.")),
            ],
            "P2": [entry({"gender": "male"}, ("sad", "Rain."))[:4]],
        },
    )
    assert read_reasons(path, "age") == [
        Reason("P1#angry", ("P1", 1), "So it is.", frozenset({"25-34"})),
        Reason("P1#angry", ("P1", 2), "So it is.", frozenset({"55-64"})),
        Reason("P1#sad", ("P1", 2), "Rain.", frozenset({"55-64"})),
        Reason("P2#sad", ("P2", 1), "Rain.", NOBODY),
    ]
    assert {one.groups for one in read_reasons(path, "gender")} == {NOBODY}


@pytest.mark.parametrize(
    ("who", "by", "groups"),
    [
        *((who, "education", NOBODY) for who in (None, {}, {"education": None}, {"education": " Not  Entered"})),
        *(({"education": said}, "education", NOBODY) for said in ("none", "None", "", " ", [])),
        ({"education": "masters"}, "education", {"masters"}),
        ({"age": "none", "education": "masters"}, "age", NOBODY),
        ({"ethnicity": [["White", "true"], ["Other", "false"], [" Native  American", "true"]]}, "ethnicity",
         {"White", "Native American"}),
        ({"ethnicity": [["White", "false"]]}, "ethnicity", NOBODY),
        ({"ethnicity": [["White", "true"], ["none", "true"]]}, "ethnicity", {"White"}),
        ({"ethnicity": "White"}, "ethnicity", {"White"}),
        ({"gender": "\x1b[2J\ud800"}, "gender", {"\x1b[2J\ud800"}),
    ],
)  # fmt: skip
def test_what_is_not_told_is_told_as_such(tmp_path: Path, who: object, by: str, groups: set[str]) -> None:
    path = written(tmp_path, {"P": [entry(who, ("sad", "Rain."))]})
    assert Socratis(path).malformed == ()
    [reason] = read_reasons(path, by)
    assert reason.groups == groups


def test_only_what_the_workers_were_asked_tells_groups_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--by 'image': expected age, gender, education or ethnicity$"):
        read_reasons(tmp_path / "not read", "image")


@pytest.mark.parametrize("value", [[], "x", {"P": 3}, {"P": [[]]}, {"P": {"a": 1}}, {"P": [entry({}, ("a", "b"))[:3]]}])
def test_a_file_that_was_changed_meanwhile_is_told(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match=r"socratis\.json' was changed while it was read"):
        read_reasons(written(tmp_path, value), "age")


TEXTS = st.none() | st.sampled_from(["", "None", "sad", " SAD", "agry", "angry"]) | st.text("ab \n", max_size=3)
ENTRIES = st.builds(
    lambda image, emotions, reasons, who: [image, None, emotions, reasons, who],
    st.sampled_from(["a.png", "b.png", " ", None]),
    *(st.lists(TEXTS, min_size=3, max_size=3), st.lists(TEXTS, min_size=3, max_size=3)),
    st.none() | st.dictionaries(st.sampled_from(GROUPINGS), TEXTS),
)


@given(pairs=st.dictionaries(st.sampled_from(["P", "Q"]), st.lists(ENTRIES, min_size=1, max_size=4), min_size=1))
def test_the_reasons_are_the_references_of_the_task(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, Any]
) -> None:
    path = written(tmp_path_factory.getbasetemp(), pairs)
    found: dict[str, dict[str, None]] = {}
    for one in read_reasons(path, "age"):
        found.setdefault(one.sample_id, {})[one.text] = None
        assert one.groups
    assert {id_: list(texts) for id_, texts in found.items()} == {
        sample.id: [trigger.text for trigger in sample.triggers] for sample in Socratis(path)
    }
