"""The data card: every fact of the run in it, no secret, and no word of the data as markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from annotation_runs import annotated, found, made_run

from told import Told
from whyfeel.annotate.review.edits import Action, Edit
from whyfeel.annotate.review.file import seen
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.interop import export
from whyfeel.interop.card import code
from whyfeel.interop.placing import MARK
from whyfeel.records import Unscored, content_id


def card_of(run: Path, out: Path, name: str = "jsonl") -> str:
    return export(run, name, out).card.read_text("utf-8")


def sections(card: str) -> dict[str, list[str]]:
    """The items under each head."""
    parts = [part.partition("\n") for part in card.removesuffix(f"{MARK}\n").split("\n## ")[1:]]
    return {head: [line.removeprefix("- ") for line in text.strip().splitlines()] for head, _, text in parts}


def edited(item: str, who: str, action: Action, trigger: str, **value: object) -> Edit:
    made = content_id([item, who, action, trigger])
    return Edit(made, item, who, action, f"r{made[:8]}" if action == "add" else trigger, value)


def test_the_card_tells_all_that_went_in(tmp_path: Path) -> None:
    notes = [
        annotated("1", triggers=(found("x"), found("y", 2, dropped="not grounded"))),
        annotated("2", triggers=(found("x"), found("y", 2, dropped="duplicate of t1")), emotion=""),
        annotated("lost", unscored=Unscored("timeout", "60 s")),
    ]
    card = card_of(made_run(tmp_path / "run", notes), tmp_path / "mine.jsonl")
    front, said = yaml.safe_load(card.split("---\n")[1]), sections(card)
    assert (front["license"], front["size_categories"]) == ("unknown", ["n<1K"])
    assert front["configs"] == [{"config_name": "default", "data_files": "mine.jsonl"}]
    assert "Do not measure the models named below on this data" in card
    assert "never inferred from faces" in card
    assert "licence of the pictures" in card
    assert said["What is here"] == [
        "2 annotations with 2 triggers",
        "2 automatic: as the models left them, and nobody has looked at them",
        "emotions asked about: `'sad'` 1, none named 1",
    ]
    assert said["What was left out"] == ["1, because `'not annotated: timeout'`: `'lost'`"]
    assert said["Where it comes from"][:4] == [
        "source: `'records'`, `'mine.jsonl'`",
        f"record file `'mine.jsonl'`, SHA-256 `'{'d' * 64}'`",
        "emotions given by the user: `'sad'`",
        "annotated from `'2026-02-03T04:05:06+00:00'` with whyfeel `'0.5.0'`",
    ]
    assert said["Models"] == [
        "shown the pictures: `'seer'`, with `'{\"top_p\": 0.9}'`",
        "told of them in words: `'teller'`",
        "`'seer'` at `'http://127.0.0.1:1/v1'` for `'general'`",
        "`'teller'` at `'http://127.0.0.1:2/v1'` for `'summary'`",
    ]
    assert said["How"][1:] == [
        "general question `'How many?'`",
        "scenarios: 3",
        "repeat: 2",
        "gates: `'duplicate'`, `'grounded'`",
        "seed: 7",
        "pictures as they were sent: `'plain/2,max-side=8'`",
        f"prompts `'self-ask'` of `'whyfeel v1'`, hash `'{'a' * 32}'`",
    ]
    assert said["Triggers that do not count"] == ["`'not grounded'`: 1", "`'duplicate'`: 1"]
    assert said["People"] == ["No person has reviewed it."]
    assert "/home/somebody" not in card


def test_the_card_tells_what_people_did(tmp_path: Path) -> None:
    """Three items finished: one by one person, two by two of whom one was settled; a fourth is still in hand."""
    notes = [annotated(f"{n}", "x", "y", image=f"{n}.png") for n in range(4)]
    run = made_run(tmp_path / "run", notes)
    store = ReviewStore(run / "review.sqlite", list(map(seen, notes)), double=0.5, clock=lambda: 1.8e9)
    twice = [one.item for one in store.standings() if one.needs == 2]
    once = [one.item for one in store.standings() if one.needs == 1]

    def work(item: str, who: str, *edits: Edit, finish: bool = True) -> None:
        assert store.open(item, who).mine
        after = 0
        for edit in edits:
            after = store.add(edit, after).seq
        if finish:
            store.finish(item, who, after)

    wrong = edited(once[0], "r1", "remove", "t2", reason="other")
    right = edited(once[0], "r1", "add", "", text="A wake", kind=None, explicit=None)
    work(once[0], "r1", wrong, edited(once[0], "r1", "undo", "", edit=wrong.id), right)
    work(once[1], "r1", edited(once[1], "r1", "remove", "t1", reason="other"), finish=False)
    for who in ("r1", "r2"):
        work(twice[0], who, edited(twice[0], who, "remove", "t1", reason="hallucination"))
    work(twice[1], "r1")
    work(twice[1], "r2", edited(twice[1], "r2", "remove", "t2", reason="irrelevant"))
    disputed = card_of(run, tmp_path / "before")
    assert f"1 disputed: {'two people differ and nobody has decided'}" in disputed
    store.adjudicate(twice[1], "r3", [{"action": "remove", "trigger": "t2", "value": {"reason": "other"}, "why": ""}])
    store.close()
    said = sections(card_of(run, tmp_path / "after"))
    assert [line.split(":")[0] for line in said["What is here"]] == [
        "4 annotations with 7 triggers",
        "1 automatic",
        "2 reviewed",
        "1 adjudicated",
        "emotions asked about",
    ]
    people = said["People"]
    assert people[:4] == [
        "3 annotations reviewed by 2 people, 2 of them by two",
        "1 where two differed settled by an adjudicator",
        "edits: hallucinations removed 2, irrelevant triggers removed 1, remove: other 1, commonsense added 1",
        "edited from 2027-01-15 to 2027-01-15",
    ]
    # kept or removed, by (r1, r2): (r, r), (k, k), (k, k), (k, r); so alpha = 1 - 7 * 2 / (2 * 3 * 5) = 8/15
    assert "alpha of keeping or removing the 4 automatic triggers: 0.533, " in people[4]
    # F1: 1 of the first item, 2/3 of the second
    assert people[5].startswith("mean F1 between the two sets of triggers: 0.833, ")


def test_words_of_the_data_are_no_markup(tmp_path: Path) -> None:
    hostile = "a`b``c\n# head\n<script>\u202e"
    notes = [annotated("1", "x", emotion=hostile), *(annotated(f"{hostile}{n}") for n in range(25))]
    card = card_of(made_run(tmp_path / "run", notes, vlm=hostile), tmp_path / 'q"\n.json', "eibench")
    assert "\n# head" not in card
    assert "\u202e" not in card
    assert code("``") == "``` '``' ```"
    assert f"25, because `'no trigger counts'`: {code(hostile + '0')}" in card
    assert " and 5 more" in card
    notes = [annotated("1", "x")]
    front = card_of(made_run(tmp_path / "run", notes), tmp_path / 'q: "\u2028#.jsonl').split("---\n")[1]
    assert yaml.safe_load(front)["configs"][0]["data_files"] == 'q: "\u2028#.jsonl'


def test_the_command_prints_what_it_wrote(tmp_path: Path, whyfeel: Callable[..., Told]) -> None:
    run = made_run(tmp_path / "run", [annotated("1", "x", "y"), annotated("2\x1b[2J")])
    told = whyfeel("export", run, "--format", "jsonl", "--out", tmp_path / "out", "--json")
    assert (told.status, told.json) == (
        0,
        {
            "format": "jsonl",
            "out": str(tmp_path / "out"),
            "card": str(tmp_path / "out.README.md"),
            "records": 1,
            "triggers": 2,
            "statuses": {"automatic": 1},
            "left_out": {"no trigger counts": ["2\x1b[2J"]},
        },
    )
    told = whyfeel("export", run, "--format", "jsonl", "--out", tmp_path / "out")
    rows = [" ".join(line.split()) for line in told.out.splitlines()]
    assert {"annotations 1", "automatic 1", "triggers 2", "left out: no trigger counts 1"} <= set(rows)
    assert max(map(len, told.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--format", "csv", "--out", "x"), "there is no 'csv'"),
        (("--format", "jsonl", "--out", "here"), "is no export of ours"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    tmp_path: Path, whyfeel: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    told = whyfeel("export", made_run(tmp_path / "run", [annotated("1", "x")]), *options)
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 1)
    assert why in told.err
