"""Looking at every record and every picture of a task, whatever they are."""

from __future__ import annotations

import json
import os
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyfeel.errors import DataError
from whyfeel.media import BadPicture
from whyfeel.media.memory import PictureMemory
from whyfeel.records import Media
from whyfeel.tasks import DataReport, Look, check_task, looker, open_task, read_task

RECORD = {"question": "Why?", "emotion": "sad", "triggers": ["a", "b"]}
A, B, C = "CAER-S/train/Angry/1.png", "CAER-S/train/Happy/1.png", "EmoSet-118k/image/sadness/sadness_1.jpg"


def write(path: Path, *images: str | None) -> Path:
    """Records about these pictures, one a line."""
    lines = (json.dumps(RECORD | {"id": f"r{n}", "image": image}) for n, image in enumerate(images))
    path.write_text("".join(line + "\n" for line in lines))
    return path


def put(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def reader(root: Path) -> Callable[[Media], bytes]:
    def read(media: Media) -> bytes:
        try:
            return (root / media.path).read_bytes()
        except (OSError, ValueError):
            raise BadPicture(f"no such file: {media.path!r}") from None

    return read


def examine(data: bytes) -> str | None:
    return "cut off" if data.startswith(b"bad") else None


def checked(records: Path, cache: Path | None = None) -> DataReport:
    """A check by a decoder of ours, over a folder that is read without any care."""
    task = read_task("jsonl", records, None)
    assert task.images is not None
    with PictureMemory(cache) as memory:
        return check_task(task, looker(reader(task.images), examine, memory))


# ---- pictures -----------------------------------------------------------------------------------------------------


def test_each_picture_is_looked_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", "1.jpg", "2.jpg", "1.jpg", None, "2.jpg", "http://h.example/1.jpg")
    with path.open("a") as file:
        file.write(json.dumps(RECORD | {"id": "r4", "image": "2.jpg"}) + "\n")
    looked: list[str] = []
    said: list[tuple[int, int]] = []

    def look(media: Media) -> Look:
        looked.append(media.path)
        return Look("", "no such file") if media.path == "2.jpg" else Look("d", None)

    report = check_task(read_task("jsonl", path, None), look, lambda *done: said.append(done))
    assert sorted(looked) == ["1.jpg", "2.jpg"]
    assert said == [(1, 2), (2, 2)]
    assert report.to_json() == {
        "schema": 1,
        "task": "jsonl",
        "n": 6,
        "triggers": 12,
        "groups": {"sad": 6},
        "malformed": [],
        "left_out": [],
        "flags": [{"id": "r4", "flag": "duplicate record"}],
        "pictures_checked": 2,
        "bad_pictures": [{"path": "2.jpg", "reason": "no such file"}],
        "missing": ["2.jpg"],
        "duplicates": [],
        "case_clashes": [],
        "remembered": 0,
        "urls": 1,
    }
    assert json.loads(json.dumps(report.to_json())) == report.to_json()


def test_without_pictures_to_look_at_the_records_are_told_all_the_same(tmp_path: Path) -> None:
    report = check_task(read_task("jsonl", write(tmp_path / "r.jsonl", "1.jpg"), None), None)
    assert (report.n, report.pictures_checked, report.bad_pictures, report.missing) == (1, 0, (), ())


def test_missing_broken_and_equal_pictures_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, **{"a.png": b"one", "sub__b.png": b"one", "c.png": b"bad", "d.png": b"bad", "e.png": b"two"})
    names = ("e.png", "sub/b.png", "nowhere.png", "c.png", "a.png", "d.png", "gone/x.png")
    report = checked(write(tmp_path / "r.jsonl", *names))
    assert report.missing == ("nowhere.png", "gone/x.png")
    assert report.bad_pictures == (
        ("nowhere.png", "no such file: 'nowhere.png'"),
        ("c.png", "cut off"),
        ("d.png", "cut off"),
        ("gone/x.png", "no such file: 'gone/x.png'"),
    )
    assert report.duplicates == (("sub/b.png", "a.png"), ("c.png", "d.png"))
    assert (report.pictures_checked, report.remembered, report.case_clashes) == (7, 2, ())


def test_what_was_seen_is_not_decoded_again(tmp_path: Path) -> None:
    put(tmp_path, **{"a.png": b"one", "b.png": b"bad", "c.png": b"three"})
    records, decoded = write(tmp_path / "r.jsonl", "a.png", "b.png", "c.png"), list[bytes]()
    task = read_task("jsonl", records, None)

    def count(data: bytes) -> str | None:
        decoded.append(data)
        return examine(data)

    def check() -> DataReport:
        with PictureMemory(tmp_path / "cache") as memory:
            return check_task(task, looker(reader(tmp_path), count, memory))

    first, second = check(), check()
    assert (first.remembered, second.remembered) == (0, 3)
    assert sorted(decoded) == [b"bad", b"one", b"three"]
    assert second.bad_pictures == first.bad_pictures == (("b.png", "cut off"),)
    put(tmp_path, **{"b.png": b"mended", "c.png": b"one"})
    third = check()
    assert (third.bad_pictures, third.remembered, third.duplicates) == ((), 2, (("a.png", "c.png"),))
    assert decoded[3:] == [b"mended"]


def test_equal_pictures_that_two_threads_decode_at_once_are_counted_as_seen(tmp_path: Path) -> None:
    """Both decode: nothing says that a picture was not decoded, but its content was seen before."""
    put(tmp_path, **{"a.png": b"one", "b.png": b"one"})
    task, both = read_task("jsonl", write(tmp_path / "r.jsonl", "a.png", "b.png"), None), threading.Barrier(2)

    def meet(data: bytes) -> None:
        both.wait(10)

    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core looks at one picture at a time")
    with PictureMemory(None) as memory:
        report = check_task(task, looker(reader(tmp_path), meet, memory))
    assert (report.remembered, report.duplicates) == (1, (("a.png", "b.png"),))


def test_the_report_stands_in_the_order_of_the_records(tmp_path: Path) -> None:
    names = [f"{(n * 37) % 200:03}.png" for n in range(200)]
    put(tmp_path, **{name: b"bad" + name.encode() for name in names})
    report = checked(write(tmp_path / "r.jsonl", *names))
    assert [path for path, _ in report.bad_pictures] == names


def test_a_fault_of_ours_ends_the_check_and_its_threads(tmp_path: Path) -> None:
    task = read_task("jsonl", write(tmp_path / "r.jsonl", *(f"{n}.png" for n in range(500))), None)
    looked: list[str] = []

    def look(media: Media) -> Look:
        looked.append(media.path)
        if media.path != "0.png":
            time.sleep(0.02)  # long enough for the fault to be seen while most of the others wait
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check_task(task, look)
    assert len(looked) < 8 * (os.cpu_count() or 1), "what waits is not looked at"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("whyfeel-check")]


# ---- names --------------------------------------------------------------------------------------------------------

NFC, NFD = "café.png", unicodedata.normalize("NFD", "café.png")


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("photo.png", "Photo.PNG"),
        ("Deep/Folder/photo.png", "deep/folder/photo.png"),
        (NFC, NFD),
        (NFD, NFC),
        (f"Été/{NFC}", unicodedata.normalize("NFD", "été/CAFÉ.png")),
        ("straße.png", "STRASSE.png"),
    ],
)
def test_a_missing_file_that_differs_only_in_case_or_form_is_hinted_at(tmp_path: Path, there: str, named: str) -> None:
    put(tmp_path, **{there: b"x"})
    report = checked(write(tmp_path / "r.jsonl", named))
    assert report.missing == (named,)
    assert report.bad_pictures == ((named, f"no such file: {named!r}; there is {there!r}"),)
    assert report.case_clashes == ()


@pytest.mark.parametrize("named", ["photo.jpg", "photo", "../photo.png", "/photo.png", "sub/photo.png", "photo.png/"])
def test_no_hint_where_nothing_is_alike(tmp_path: Path, named: str) -> None:
    (tmp_path / "images").mkdir()
    put(tmp_path, images__photo_png=b"x")
    put(tmp_path, **{"photo.png": b"x"})
    task = read_task("jsonl", write(tmp_path / "r.jsonl", named), tmp_path / "images")
    report = check_task(task, lambda media: Look("", "no such file"))
    assert report.bad_pictures == ((named, "no such file"),)


def test_a_link_out_of_the_images_folder_is_not_followed_for_a_hint(tmp_path: Path) -> None:
    put(tmp_path, outside__photo_png=b"x", images__x=b"x")
    (tmp_path / "outside" / "photo.png").write_bytes(b"x")
    (tmp_path / "images" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "images" / "loop").symlink_to(tmp_path / "images" / "loop")
    names = ("link/PHOTO.png", "LINK/photo.png", "loop/x")
    task = read_task("jsonl", write(tmp_path / "r.jsonl", *names), tmp_path / "images")
    report = check_task(task, lambda media: Look("", "no such file"))
    assert report.bad_pictures == tuple((name, "no such file") for name in names)


def test_names_that_are_one_file_elsewhere_are_told(tmp_path: Path) -> None:
    put(tmp_path, **{"a.png": b"1", "A.png": b"2", "sub__x.png": b"3", "sub__X.PNG": b"4", "other__Y.png": b"5"})
    put(tmp_path, **{"other__y.png": b"6", NFC: b"7", NFD: b"8", "far__q.png": b"9", "far__Q.png": b"10"})
    # in the records; on disk beside a record; only one of them there; a folder that differs; not in case alone
    names = ("a.png", "sub/x.png", "A.png", "gone/z.png", "gone/Z.png", "Sub/x.png", NFC, NFD)
    report = checked(write(tmp_path / "r.jsonl", *names))
    assert report.case_clashes == (
        ("a.png", "A.png"),
        ("sub/x.png", "sub/X.PNG", "Sub/x.png"),
        ("gone/z.png", "gone/Z.png"),
    )
    assert dict(report.bad_pictures)["Sub/x.png"] == "no such file: 'Sub/x.png'; there is 'sub/x.png'"


ODD = st.text(st.characters(exclude_characters="\x00/", exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(ODD.filter(lambda name: name.strip() and name not in {".", ".."}), min_size=1, max_size=6, unique=True))
def test_any_name_comes_back_as_it_was(tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    (folder / "p").mkdir(parents=True)
    for name in names:
        (folder / "p" / name).write_bytes(name.encode())
    report = checked(write(folder / "r.jsonl", *(f"p/{name}" for name in names)))
    assert (report.n, report.pictures_checked, report.bad_pictures) == (len(names), len(names), ())
    assert report.duplicates == ()
    by_case = Counter(name.casefold() for name in names)
    clashes = {frozenset(path.removeprefix("p/") for path in group) for group in report.case_clashes}
    assert {name for group in clashes for name in group} == {name for name in names if by_case[name.casefold()] > 1}


# ---- malformed records --------------------------------------------------------------------------------------------


def places(report: DataReport) -> list[tuple[str, int | None]]:
    return [(Path(one.file).name, one.line) for one in report.malformed]


def test_every_malformed_record_is_told_and_the_others_are_counted(tmp_path: Path) -> None:
    good = json.dumps(RECORD | {"id": "a"})
    path = tmp_path / "r.jsonl"
    lines = [good, "{", "[]", good, json.dumps(RECORD | {"id": "a", "emotion": "glad"}), '{"id": "b", "id": "b"}']
    lines += ["", json.dumps(RECORD | {"id": "b", "image": "x.png"}), "\x00\x01", json.dumps({"id": "c"}), '{"id": "to']
    path.write_text("\n".join(lines))
    report = check_task(read_task("jsonl", path, None), lambda media: Look("d", None))
    assert (report.n, report.triggers, report.groups, report.pictures_checked) == (2, 4, {"sad": 2}, 1)
    assert report.flags == (("a", "duplicate record"),)
    assert places(report) == [("r.jsonl", line) for line in (2, 3, 5, 6, 9, 10, 11)]
    reasons = {one.line: one.reason for one in report.malformed}
    assert f"from byte {len(good) + 1}" in reasons[2]
    assert "got []" in reasons[3]
    assert "stands on line 1 already, with other content" in reasons[5]
    assert "'id' stands twice" in reasons[6]
    assert f"from byte {len(chr(10).join(lines[:8])) + 1:,}" in reasons[9]
    assert "field 'question': it is missing" in reasons[10]
    assert f"from byte {len(chr(10).join(lines[:10])) + 1:,}" in reasons[11]
    assert "cut off" in reasons[11]
    assert "cut off" not in reasons[9]
    assert not any("\n" in one.reason for one in report.malformed)
    with pytest.raises(DataError) as caught:
        open_task("jsonl", path, None)
    assert str(caught.value) == f"{str(path)!r}, line 2: {reasons[2]}"


def test_a_file_without_any_sound_record_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("[]\n{}\n")
    report = check_task(read_task("jsonl", path, None), None)
    assert (report.n, report.groups, places(report)) == (0, {}, [("r.jsonl", 1), ("r.jsonl", 2)])
    path.write_text(" \n")
    [fault] = check_task(read_task("jsonl", path, None), None).malformed
    assert (fault.line, fault.reason[:27]) == (None, "the file holds no record; e")


def write_basic(root: Path, questions: list[object], truth: str) -> Path:
    (root / "EI_Basic").mkdir(exist_ok=True)
    lines = (one if isinstance(one, str) else json.dumps(one) for one in questions)
    (root / "EI_Basic" / "user.jsonl").write_text("\n".join(lines) + "\n")
    (root / "EI_Basic" / "basic_ground_truth.json").write_text(truth)
    return root


def basic(root: Path) -> DataReport:
    return check_task(read_task("eibench-basic", root, None), None)


def test_the_basic_set_tells_what_is_wrong_in_both_of_its_files(tmp_path: Path) -> None:
    d, e, f = (f"EmoSet-118k/image/sadness/sadness_{number}.jpg" for number in (2, 3, 4))
    truth = (
        f'{{"{A}": "1. a",\n"{B}": "1. ",\n"{C}": 7,\n"{d}": "1. d",\n"{e}": "1. e", "{e}": "1. f",\n"{d}x": "1. x"}}'
    )
    questions: list[object] = [{A: "Why?"}, {B: "Why?"}, {C: "Why?"}, {A: 1}, {e: "Why?"}, {f: "Why?"}, {"x/1": "?"}]
    report = basic(write_basic(tmp_path, questions, truth))
    assert (report.n, report.groups["angry"]) == (1, 1)
    truth_file = "basic_ground_truth.json"
    assert places(report) == [
        *[(truth_file, 2), (truth_file, 3), ("user.jsonl", 4), (truth_file, 5), ("user.jsonl", 6), ("user.jsonl", 7)],
        *[(truth_file, 4), (truth_file, 6)],
    ]
    told = [
        f"the ground truth of {B!r} is '1. '",
        "got 7",
        "the question about",
        f"{e!r} stands twice",
        "no ground truth",
    ]
    told += ["tells no emotion", f"{d!r} has no question", "has no question"]
    assert [part for part, one in zip(told, report.malformed, strict=True) if part not in one.reason] == []


@pytest.mark.parametrize(("truth", "line"), [("[]", None), ('{\n"a', 2), ('{"a": "1. b"}}', 1)])
def test_a_ground_truth_that_is_no_document_is_told_once(tmp_path: Path, truth: str, line: int | None) -> None:
    report = basic(write_basic(tmp_path, [{A: "Why?"}, {B: "Why?"}, "{"], truth))
    assert report.n == 0
    assert places(report) == [("basic_ground_truth.json", line), ("user.jsonl", 3)]
    with pytest.raises(DataError, match="basic_ground_truth"):
        open_task("eibench-basic", tmp_path, None)
    alone = basic(write_basic(tmp_path, ["{"], truth))
    assert places(alone) == [("user.jsonl", 1), ("basic_ground_truth.json", line)]


def test_a_key_that_stands_three_times_is_told_once(tmp_path: Path) -> None:
    truth = f'{{"{A}": "1. a",\n"{A}": "1. b",\n"{A}": "1. c"}}'
    [fault] = basic(write_basic(tmp_path, [{A: "Why?"}], truth)).malformed
    assert fault.line == 1
    assert fault.reason.endswith("(here and on line 2)")


def test_a_malformed_file_of_the_other_task_is_none_of_this_ones(tmp_path: Path) -> None:
    write_basic(tmp_path, [{A: "Why?"}, {C: "Why?"}], json.dumps({A: "1. a", C: "1. c"}))
    (tmp_path / "EI_Complex").mkdir()
    (tmp_path / "EI_Complex" / "ec_complex.jsonl").write_text('{\n[]\n{"' + C + '": 3}\n')
    report = basic(tmp_path)
    assert (report.n, report.malformed, report.flags) == (2, (), ((C, "also in eibench-complex"),))
    complex_ = check_task(read_task("eibench-complex", tmp_path, None), None)
    assert (complex_.n, places(complex_)) == (0, [("ec_complex.jsonl", line) for line in (1, 2, 3)])


def test_many_bad_ground_truths_are_placed_in_one_reading(tmp_path: Path) -> None:
    """A reading for each would make a large damaged file take hours."""
    images = [f"EmoSet-118k/image/sadness/{number}.jpg" for number in range(20_000)]
    truth = json.dumps(dict.fromkeys(images, 0), indent=0)
    report = basic(write_basic(tmp_path, [{image: "Why?"} for image in images], truth))
    assert places(report) == [("basic_ground_truth.json", line) for line in range(2, 20_002)]


# ---- anything at all ----------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["id", "image", "question", "emotion", "triggers", "rubric", "text", "weight", A, C, "?"])
RECORDS = st.one_of(
    VALUES, st.dictionaries(KEYS, VALUES, max_size=7), st.dictionaries(KEYS, st.just("1. a"), max_size=7)
)
LINES = st.one_of(RECORDS.map(json.dumps).map(str.encode), st.binary(max_size=30))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=5), st.booleans())
def test_any_bytes_are_read_or_told(tmp_path: Path, lines: list[bytes], end: bool) -> None:
    data = b"\n".join(lines) + b"\n" * end
    (tmp_path / "EI_Basic").mkdir(exist_ok=True)
    (tmp_path / "EI_Complex").mkdir(exist_ok=True)
    for name in ("EI_Basic/user.jsonl", "EI_Basic/basic_ground_truth.json", "EI_Complex/ec_complex.jsonl", "r.jsonl"):
        (tmp_path / name).write_bytes(data)
    filled = sum(1 for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip())
    for task, where in (("jsonl", tmp_path / "r.jsonl"), ("eibench-complex", tmp_path), ("eibench-basic", tmp_path)):
        report = check_task(read_task(task, where, None), None)
        found: dict[str, Any] = report.to_json()
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert report.n or report.malformed
        if task != "eibench-basic":  # each line is a sample, repeats one, or is told
            assert report.n + len(report.malformed) <= max(filled, 1)
        assert all(len(one.reason) < 700 and "\n" not in one.reason for one in report.malformed)
        if report.malformed:
            with pytest.raises(DataError):
                open_task(task, where, None)
        else:
            assert len(list(open_task(task, where, None))) == report.n
