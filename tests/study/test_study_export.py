"""A study's tables: what stands in them, what does not, and that a spreadsheet runs nothing of it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from simulated import answered, collect, displayed, make_design, make_rater, simulate_ratings

from whyfeel.cli.study_export import export
from whyfeel.cli.study_results import results as results_command
from whyfeel.cli.study_status import status
from whyfeel.errors import DataError, UserError
from whyfeel.interop.study import export_study
from whyfeel.runs.agree import agreement
from whyfeel.runs.folder import write_json
from whyfeel.runs.ratings import read_ratings
from whyfeel.stats.resampling import Bootstrap
from whyfeel.study.collected import Collected, Trial
from whyfeel.study.database import open_database
from whyfeel.study.design import SKIP, Design, Key, Rules, Source
from whyfeel.study.export import columns, sheets
from whyfeel.study.folder import StudyFolder
from whyfeel.study.opened import read_progress, read_study
from whyfeel.study.results import results
from whyfeel.study.sheets import csv_text, guarded
from whyfeel.study.store import StudyStore

HOSTILE = '=HYPERLINK("http://x")\r\n"quoted", and \u202eturned\0 \ud800 <b>'
NAMES = {1: "human", 2: "@model direct"}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.fixture
def design() -> Design:
    made = make_design(items=3, rules=Rules(3, 99, 5.0, alike=False))
    texts = (replace(made.items[0].candidates[0], text=HOSTILE), made.items[0].candidates[1])
    return replace(made, items=(replace(made.items[0], candidates=texts), *made.items[1:]))


@pytest.fixture
def collected(design: Design) -> Collected:
    first, second = design.items[0], design.items[1]
    trials = [
        answered(1, 1, first.id, displayed(first, "A", swapped=True), swapped=True),
        replace(answered(1, 2, second.id, "both bad"), comment=HOSTILE),
        answered(1, 3, first.id, displayed(first, "B", swapped=False), role="repeat"),
        answered(1, 4, "0", "left", role="attention"),
        answered(1, 5, "1", "both good", role="attention"),
        answered(1, 6, design.items[2].id, SKIP),
        Trial(1, 7, "item", "never shown", False),
        answered(2, 1, first.id, "left", took=1.25),
        answered(3, 1, first.id, "right"),
        Trial(3, 2, "item", second.id, False),
        answered(4, 1, first.id, "right"),
    ]
    found = collect(trials, {3: "withdrawn", 4: "withdrawn"}, {1: {"age": "over 40"}, 3: {"age": "18 to 40"}})
    entrants = ("prolific:zoe", "prolific:=adam", "prolific:mia", "prolific:noa")
    return replace(found, raters=tuple(replace(r, entrant=e) for r, e in zip(found.raters, entrants, strict=True)))


def test_votes_as_they_were_displayed_and_what_they_mean(design: Design, collected: Collected) -> None:
    rows = table(sheets(design, collected, None, demographics=False)["votes.csv"])
    first = [one.system for one in design.items[0].candidates]
    assert [row["rater"] for row in rows] == ["r001"] * 6 + ["r002"]  # nobody who withdrew, nothing unanswered
    assert [row["role"] for row in rows][:6] == ["item", "item", "repeat", "attention", "attention", "item"]
    assert [rows[0]["system_left"], rows[0]["system_right"]] == [str(one) for one in first[::-1]]
    assert [rows[2]["system_left"], rows[2]["system_right"]] == [str(one) for one in first]
    assert [row["preferred"] for row in rows] == ["1", "both bad", "2", "passed", "failed", "", rows[6]["preferred"]]
    assert rows[6]["preferred"] == str(first[0])
    assert [row["answer"] for row in rows][1:] == ["both bad", rows[2]["answer"], "left", "both good", "skip", "left"]
    assert rows[0]["sample"] == "s0000"
    assert (rows[6]["seconds"], rows[6]["excluded"]) == ("1.25", "too fast")
    assert rows[0]["shown"] == "1970-01-01T00:17:10+00:00"
    named = table(sheets(design, collected, NAMES, demographics=False)["votes.csv"])
    assert named[0]["preferred"] == "human"
    assert named[2]["preferred"] == "'@model direct"


def test_texts_come_back_but_for_what_no_file_can_hold(design: Design, collected: Collected) -> None:
    files = sheets(design, collected, None, demographics=False)
    wanted = "'" + HOSTILE.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    assert table(files["votes.csv"])[1]["comment"] == wanted
    items = table(files["items.csv"])
    assert items[0]["text_1"] == wanted
    assert items[0]["text_2"] == design.items[0].candidates[1].text
    assert [int(items[0][f"system_{k}"]) for k in (1, 2)] == [one.system for one in design.items[0].candidates]
    assert [row["item"] for row in items] == [item.id for item in design.items]


def test_who_is_to_be_paid_is_told_apart_from_who_said_what(design: Design, collected: Collected) -> None:
    files = sheets(design, collected, None, demographics=True)
    assert table(files["payments.csv"]) == [
        {"entrant": "prolific:=adam", "completed": "yes"},
        {"entrant": "prolific:mia", "completed": "no"},
        {"entrant": "prolific:noa", "completed": "yes"},  # who withdrew after the last page
        {"entrant": "prolific:zoe", "completed": "yes"},
    ]
    others = "".join(text for name, text in files.items() if name != "payments.csv")
    assert not any(name in others for name in ("zoe", "adam", "mia"))
    assert "r00" not in files["payments.csv"]
    assert table(files["demographics.csv"]) == [{"rater": "r001", "age": "over 40"}]
    assert "over 40" not in "".join(sheets(design, collected, None, demographics=False).values())


def test_raters(design: Design, collected: Collected) -> None:
    rows = table(sheets(design, collected, None, demographics=False)["raters.csv"])
    assert list(rows[0].values()) == ["r001", "finished", "", "2", "1", "20.0", "2", "1", "1", "0"]
    assert list(rows[1].values()) == ["r002", "finished", "too fast", "1", "0", "1.25", "0", "0", "0", "0"]
    assert list(rows[2].values()) == ["r003", "withdrawn", "withdrew", *[""] * 7]


@given(st.text())
@example("\ufeff=1")
@example(" '\"=1")
@example("\u200b\uff1dSUM(A1)")
@example("\ufe62cmd")
@example("\u2066-1+1")
def test_no_text_becomes_a_formula(text: str) -> None:
    [[cell]] = list(csv.reader(io.StringIO(csv_text(["text"], [[text]]), newline=""), strict=True))[1:] or [[""]]
    bare = cell.lstrip(' \t\r\n\v\f"\u200b\ufeff\u2066\xa0\u3000')
    assert not bare.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62"))
    assert not cell.startswith(("\t", "\r"))
    assert guarded(text) in (text, f"'{text}")


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\ta", "\ra", " =1", '"=1', "'=1", "\u201c=1", "\uff0b1", "\n-1"]
)
def test_what_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "because she is happy - and why", "1-2", '"so"', "\u2014 a dash", "\n"])
def test_what_gets_none(text: str) -> None:
    assert guarded(text) == text


def test_numbers_of_ours_are_not_guarded() -> None:
    assert csv_text(["a", "b", "c"], [[-2, -0.5, None]]) == "a,b,c\r\n-2,-0.5,\r\n"


def test_agree_reads_the_ratings_and_finds_the_same(tmp_path: Path) -> None:
    design = make_design("rating", items=15, systems=2, rules=Rules(3, 99, 5.0, alike=False))
    simulated = simulate_ratings(design, 4, {1: 3.0, 2: 2.0})
    trials = tuple(replace(t, answered=t.shown) if t.rater == 2 else t for t in simulated.trials)  # too fast
    collected = replace(simulated, trials=trials)
    document = results(design, collected, None, resamples=5)
    out = tmp_path / "out"
    export_study(design, collected, None, document, out, demographics=False)
    filed, mine = (
        agreement(read_ratings([out / "ratings.csv"], (0, 5)), Bootstrap(0, 9)),
        document["rating"]["agreement"],
    )
    assert (filed["n_items"], filed["n_raters"]) == (30, document["raters"]["counted"])
    for level in ("nominal", "ordinal", "interval"):
        assert filed["alpha"][level]["value"] == pytest.approx(mine["alpha"][level]["value"])
    assert filed["ac2"]["value"] == pytest.approx(mine["ac2"]["value"])
    rows = table((out / "ratings.csv").read_text())
    assert "r002" not in {row["rater"] for row in rows}
    assert len(rows) == document["votes"]
    votes = table((out / "votes.csv").read_text())
    assert list(votes[0])[5:8] == ["system", "answer", "preferred"]


def test_an_export_is_replaced_whole_and_nothing_else_is(design: Design, collected: Collected, tmp_path: Path) -> None:
    document = results(design, collected, None, resamples=5)
    out = tmp_path / "out"
    done = export_study(design, collected, None, document, out, demographics=True)
    assert sorted(path.name for path in out.iterdir()) == sorted(done["files"])
    assert stat.S_IMODE((out / "payments.csv").stat().st_mode) == 0o600
    card = (out / "README.md").read_text()
    for name, told in columns(design).items():
        head = next(csv.reader([(out / name).read_text().splitlines()[0]])) if name in done["files"] else []
        assert head == list(told)
        assert all(f"- `{column}`: " in card for column in told)
    assert json.loads((out / "results.json").read_text())["votes"] == 2
    assert json.loads((out / "design.json").read_text())["items"][1]["id"] == "i0001"
    assert "system 1:" not in card
    export_study(design, collected, NAMES, results(design, collected, NAMES, resamples=5), out, demographics=False)
    assert not (out / "demographics.csv").exists()
    assert "system 2: `'@model direct'`" in (out / "README.md").read_text()
    (out / "mine.txt").write_text("notes")
    with pytest.raises(UserError, match=r"mine\.txt' stands there and is no export of ours"):
        export_study(design, collected, None, document, out, demographics=False)
    assert (out / "mine.txt").read_text() == "notes"
    broken = replace(collected, trials=(*collected.trials, answered(1, 9, "i0000", "maybe")))
    with pytest.raises(DataError):
        export_study(design, broken, None, document, tmp_path / "new", demographics=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    design = make_design(items=3, rules=Rules(3, 99, 5.0, alike=False))
    folder = StudyFolder(tmp_path / "study")
    folder.path.mkdir()
    write_json(folder.design, design.to_json())
    sources = {number: Source(name, "human", "", "") for number, name in NAMES.items()}
    write_json(folder.key, Key(folder.read_design().digest, sources).to_json())
    return folder.path


async def take_part(study: Path, raters: int) -> None:
    design = StudyFolder(study).read_design()
    store = StudyStore(await open_database(StudyFolder(study).store, design.digest), design)
    await store.prepare()
    for _ in range(raters):
        rater = await store.rater(await store.begin())
        assert rater is not None
        await store.comprehend(rater.id, right=True)
        while (trial := await store.next(rater.id)) is not None:
            await store.answer(rater.id, trial.place, "left")
        await store.finish(rater.id)
    await store.close()


def test_the_commands_of_a_study(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(study, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["votes"], told["wanted"], told["items"], told["raters_needed"]) == (0, 9, 3, 3)
    assert results_command(study) == 1
    assert capsys.readouterr() == (
        "",
        "whyfeel: nothing could be scored: there are no votes yet; if the study is kept in PostgreSQL, give its --db "
        "here, too\n",
    )
    asyncio.run(take_part(study, 2))
    assert results_command(study) == 1  # too fast, by the design's rules
    said = capsys.readouterr()
    assert said.err == "whyfeel: nothing could be scored: the design's rules leave out all 6 votes\n"
    assert "too fast" in said.out
    assert status(study) == 0
    assert "6 of 9" in capsys.readouterr().out
    key = StudyFolder(study).key
    hidden = key.rename(key.with_name("elsewhere"))
    assert export(study, tmp_path / "out", json=True) == 0  # the key is not read while the study is blind
    assert json.loads(capsys.readouterr().out)["blind"] is True
    hidden.rename(key)
    with pytest.raises(UserError, match="--by: expected one of 'age'"):
        results_command(study, by="income", unblind=True)
    assert read_study(study, None).collected.unblinding is None
    with pytest.raises(UserError, match="--by NAME says which"):
        results_command(study, least=10)
    assert results_command(study, unblind=True, json=True) == 1
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["systems"] == {str(number): name for number, name in NAMES.items()}
    assert (document["blind"], document["unblinded"]["votes"]) == (False, 6)
    assert status(study, json=True) == 0
    assert json.loads(capsys.readouterr().out)["unblinded"] == document["unblinded"]["at"]


async def test_a_study_is_read_while_it_goes_on(study: Path) -> None:
    design = StudyFolder(study).read_design()
    store = StudyStore(await open_database(StudyFolder(study).store, design.digest), design)
    await store.prepare()
    rater = await store.rater(await store.begin())
    assert rater is not None
    await store.comprehend(rater.id, right=True)
    for votes in range(3):
        while (trial := await store.next(rater.id)) is not None and trial.role != "item":
            await store.answer(rater.id, trial.place, "left")
        assert trial is not None
        assert (await asyncio.to_thread(read_progress, study, None))[1].votes == votes
        await store.answer(rater.id, trial.place, "left")
    read = await asyncio.to_thread(read_study, study, None)
    assert results(design, read.collected, read.names, resamples=5)["without_exclusions"]["votes"] == 3
    await store.close()


def test_a_key_that_does_not_tell_every_system(study: Path) -> None:
    folder = StudyFolder(study)
    write_json(folder.key, Key(folder.read_design().digest, {1: Source("human", "human", "", "")}).to_json())
    with pytest.raises(UserError, match="no vote yet; it was not unblinded"):  # perhaps the votes are elsewhere
        read_study(study, None, unblind=True)
    assert read_study(study, None).collected.unblinding is None
    asyncio.run(take_part(study, 1))
    with pytest.raises(DataError, match="does not tell whose texts are those of system 2"):
        read_study(study, None, unblind=True)
    assert read_study(study, None).collected.unblinding is not None  # it was asked for


def test_a_rater_beyond_the_hundredth() -> None:
    assert make_rater(1234).name == "r1234"


def test_to_look_at_a_study_that_nobody_has_served_makes_no_file(study: Path) -> None:
    design, progress = read_progress(study, None)
    assert (progress.votes, progress.wanted) == (0, len(design.items) * design.terms.ratings)
    assert read_study(study, None).collected.raters == ()
    assert not StudyFolder(study).store.exists()


def test_to_look_at_a_study_changes_no_byte_of_it(study: Path) -> None:
    asyncio.run(take_part(study, 1))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in study.rglob("*") if path.is_file()}
    assert read_progress(study, None)[1].votes > 0
    assert read_study(study, None).collected.raters
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in study.rglob("*") if path.is_file()} == before
