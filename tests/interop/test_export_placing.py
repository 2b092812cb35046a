"""Where an export goes: whole or not at all, and never over what is somebody else's."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from annotation_runs import annotated, made_run, png

from whyfeel.errors import DataError, StoreFailed, UserError
from whyfeel.interop import export
from whyfeel.interop.placing import MARK
from whyfeel.records import content_id


@pytest.fixture
def run(tmp_path: Path) -> Path:
    png(tmp_path / "images", "a.png")
    return made_run(tmp_path / "run", [annotated("1", "x")], tmp_path / "images")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["jsonl", "eibench"])
def test_an_export_replaces_an_export(tmp_path: Path, run: Path, name: str) -> None:
    out = tmp_path / "deep" / "out"
    first = export(run, name, out)
    before = contents(tmp_path / "deep")
    made_run(run, [annotated("2", "a new one", "and another")])
    second = export(run, name, out)
    after = contents(tmp_path / "deep")
    assert after.keys() == before.keys()
    assert (first.card, first.out) == (second.card, second.out)
    assert all(after[one] != before[one] for one in after)
    assert b"a new one" in b"".join(after.values())


def test_a_folder_that_an_export_leaves_behind_holds_only_what_it_wrote(tmp_path: Path, run: Path) -> None:
    made_run(run, [annotated("1", "x", image="CAER-S/train/Angry/1.png", emotion="angry")])
    export(run, "eibench", tmp_path / "out")
    made_run(run, [annotated("1", "x")])
    export(run, "eibench", tmp_path / "out")
    assert sorted(contents(tmp_path / "out")) == ["EI_Complex/ec_complex.jsonl", "README.md"]


@pytest.mark.parametrize(
    ("name", "stranger"),
    [
        ("jsonl", "out"),
        ("jsonl", "out.README.md"),
        ("eibench", "out/notes.txt"),
        ("eibench", "out/EI_Basic/user.jsonl"),
        ("eibench", "out/README.md"),
        ("eibench", "out"),
        ("jsonl", "out/x"),
    ],
)
def test_what_is_somebody_elses_stays(tmp_path: Path, run: Path, name: str, stranger: str) -> None:
    (tmp_path / stranger).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / stranger).write_text("mine", "utf-8")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=r"--out: .*(is no export of ours|needs a)"):
        export(run, name, tmp_path / "out")
    assert contents(tmp_path) == before


def test_a_card_that_a_person_made_their_own_stays(tmp_path: Path, run: Path) -> None:
    done = export(run, "eibench", tmp_path / "out")
    (tmp_path / "out/EI_Complex/mine.txt").write_text("mine", "utf-8")
    with pytest.raises(UserError, match=r"mine\.txt' stands there"):
        export(run, "eibench", tmp_path / "out")
    (tmp_path / "out/EI_Complex/mine.txt").unlink()
    done.card.write_text(done.card.read_text("utf-8").replace(MARK, ""), "utf-8")
    with pytest.raises(UserError, match="is no export of ours"):
        export(run, "eibench", tmp_path / "out")


@pytest.mark.parametrize("name", ["jsonl", "eibench"])
def test_an_export_that_fails_leaves_the_older_one(tmp_path: Path, run: Path, name: str) -> None:
    export(run, name, tmp_path / "out")
    (run / "annotations.jsonl").write_bytes((run / "annotations.jsonl").read_bytes() + b'{"id": ')
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"annotations\.jsonl"):
        export(run, name, tmp_path / "out")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["jsonl", "parquet", "eibench"])
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, run: Path, name: str) -> None:
    png(tmp_path / "images", "a.png")
    texts = [content_id(n) for n in range(1_000)]
    made_run(run, [annotated(f"{n}", *texts[n::60], question=f"Why {n}?") for n in range(60)], tmp_path / "images")
    before = contents(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # Python ignores the signal that comes with it
    try:
        with pytest.raises(StoreFailed, match=r"cannot be written: File too large \([0-9,]+ bytes are free") as told:
            export(run, name, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(told.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("out", ["run/run.json/out", "/"])
def test_a_place_that_cannot_be_is_told(tmp_path: Path, run: Path, out: str) -> None:
    with pytest.raises(UserError, match=r"--out: .*cannot be written"):
        export(run, "jsonl", tmp_path / out)


def test_an_unknown_format_names_those_there_are(tmp_path: Path, run: Path) -> None:
    with pytest.raises(UserError, match=r"there is no 'csv'; there are eibench, jsonl, parquet, sharegpt, "):
        export(run, "csv", tmp_path / "out")
