"""What is to be annotated: folders, record files and tasks become samples; anything else is refused in one line."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.annotate import annotate_options
from whyfeel.annotate.subjects import _query, open_subjects
from whyfeel.errors import DataError, UserError
from whyfeel.prompts import load_prompts
from whyfeel.tasks import open_task

PROMPTS = load_prompts(None)
ASKS = "Why does the person in this picture feel as they do?"


def subjects(source, **more):
    options = annotate_options({"source": str(source), "vlm": "openai:v", "out": "run", **more})
    return open_subjects(options, PROMPTS)


def samples(source, **more):
    found = subjects(source, **more)
    first, second = list(found.samples()), list(found.samples())
    assert first == second
    assert all(one.triggers == () and one.annotation == "" for one in first)
    return first


@pytest.fixture
def records(tmp_path):
    """Write a record file, from objects or from bytes."""

    def write(*lines, raw=None):
        file = tmp_path / "records.jsonl"
        file.write_bytes(raw if raw is not None else b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        return file

    return write


class TestFolder:
    def test_every_picture_below_it_by_name(self, paint, tmp_path):
        paint(tmp_path, "b.JPG", "a.png", "deep/er/c.JpEg", "deep/d.webp", "e.gif")
        paint(tmp_path, ".hidden.png", ".git/f.png", "deep/.cache/g.png")
        (tmp_path / "notes.txt").touch()
        (tmp_path / "png").touch()
        found = subjects(tmp_path)
        names = [one.media[0].path for one in found.samples()]
        assert names == ["a.png", "b.JPG", "deep/d.webp", "deep/er/c.JpEg", "e.gif"]
        assert [(one.id, one.cluster) for one in found.samples()] == [(name, name) for name in names]
        assert {(one.question, one.emotion, one.person) for one in found.samples()} == {(ASKS, "", "")}
        assert (found.name, found.files, found.images) == ("folder", (), tmp_path)
        (remark,) = found.remarks
        assert "passed over" in remark
        assert ": 2 entries" in remark

    def test_without_strangers_nothing_is_remarked(self, folder):
        assert subjects(folder).remarks == ()

    def test_a_linked_folder_is_not_entered_and_told_of(self, folder, paint, tmp_path):
        paint(tmp_path / "elsewhere", "x.png")
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        assert [one.id for one in samples(folder)] == ["a.png", "b.png", "c.png"]
        assert ": 1 entries" in subjects(folder).remarks[0]

    def test_a_folder_that_cannot_be_read_is_no_empty_one(self, folder, monkeypatch):
        (folder / "locked").mkdir()
        genuine = os.scandir

        def scandir(path):
            if str(path).endswith("locked"):
                raise PermissionError(13, "Permission denied", str(path))
            return genuine(path)

        monkeypatch.setattr(os, "scandir", scandir)
        with pytest.raises(UserError, match=r"locked' cannot be read: Permission denied"):
            subjects(folder)

    def test_every_picture_is_asked_about_every_emotion(self, folder):
        found = samples(folder, emotion=("sad", " very  proud ", "sad"))
        assert [(one.id, one.emotion) for one in found[:3]] == [
            ("a.png#sad", "sad"),
            ("a.png#very proud", "very proud"),
            ("b.png#sad", "sad"),
        ]
        assert len(found) == 6
        assert {one.cluster for one in found} == {"a.png", "b.png", "c.png"}
        assert found[1].question == "Why does the person in this picture feel very proud?"

    def test_one_emotion_leaves_the_name_as_the_id(self, folder):
        assert [one.id for one in samples(folder, emotion=("sad",))] == ["a.png", "b.png", "c.png"]

    @pytest.mark.parametrize("files", [(), ("a.txt", ".b.png", "c.tiff")])
    def test_without_pictures(self, files, tmp_path):
        for name in files:
            (tmp_path / name).touch()
        with pytest.raises(UserError, match=r"holds no picture \(.*\.webp\); other entries: [02]$"):
            subjects(tmp_path)

    @pytest.mark.parametrize(
        ("option", "told"), [({"images": "x"}, "its own root"), ({"data": "x"}, "--data names the records of a task")]
    )
    def test_options_that_mean_something_else(self, option, told, folder):
        with pytest.raises(UserError, match=told):
            subjects(folder, **option)


class TestQuery:
    @pytest.mark.parametrize(
        ("query", "emotion", "person", "asked"),
        [
            (None, "", "", ASKS),
            (None, "sad", "", "Why does the person in this picture feel sad?"),
            (None, "", "the boy", "Why does the boy in this picture feel as they do?"),
            (None, "sad", "the boy", "Why does the boy in this picture feel sad?"),
            ("Why?", "", "", "Why?"),
            ("Why so Sad?", "sad", "", "Why so Sad?"),
            ("Why is the boy sad", "sad", "the boy", "Why is the boy sad"),
            ("Why", "", "", "Why"),
            ("Why?", "sad", "", "Why? (Meant is the person; the emotion asked about is sad.)"),
            ("Why?", "", "the boy", "Why? (Meant is the boy; the emotion asked about is not named.)"),
            ("Why is he sad?", "sad", "the boy", "Why is he sad? (Meant is the boy; the emotion asked about is sad.)"),
            ("Why do they enjoy it?", "joy", "", "Why do they enjoy it? (Meant is the person; "
             "the emotion asked about is joy.)"),
            ("Is the woman sad?", "sad", "man", "Is the woman sad? (Meant is man; the emotion asked about is sad.)"),
            ("Why $person?", "c$", "", "Why $person? (Meant is the person; the emotion asked about is c$.)"),
            ("Why .?", "[", "", "Why .? (Meant is the person; the emotion asked about is [.)"),
        ],
    )  # fmt: skip
    def test_it_says_which_emotion_and_whose(self, query, emotion, person, asked, records):
        line = {"image": "a.png", "query": query, "emotion": emotion, "person": person}
        (one,) = samples(records({key: value for key, value in line.items() if value}))
        assert (one.question, one.emotion, one.person) == (asked, emotion, person)

    @given(
        st.text(st.characters(categories=["L", "P", "Zs"]), min_size=1).filter(str.strip),
        st.text(st.characters(categories=["L", "P"]), min_size=1).filter(str.strip),
    )
    def test_nothing_of_it_is_lost(self, query, emotion):
        asked = _query(PROMPTS, query, emotion, "")
        assert asked.startswith(query)
        assert emotion.casefold() in asked.casefold()


class TestRecords:
    def test_every_key(self, records, tmp_path):
        line = {
            "id": "r1",
            "image": "in/a.png",
            "query": "Why is the bride sad?",
            "emotion": "sad",
            "person": "the bride",
        }
        found = subjects(records(line))
        (one,) = found.samples()
        assert (one.id, one.media[0].path, one.cluster) == ("r1", "in/a.png", "in/a.png")
        assert (one.question, one.emotion, one.person) == ("Why is the bride sad?", "sad", "the bride")
        assert (found.name, found.images) == ("records", tmp_path)
        assert found.files == (tmp_path / "records.jsonl",)

    def test_what_a_record_leaves_out_the_options_may_say(self, records, tmp_path):
        file = records({"image": "a.png"}, {"image": "b.png", "query": "Why is he glad?", "emotion": "glad"})
        (tmp_path / "there").mkdir()
        found = samples(file, emotion=("sad",), query="Why sad?", images=tmp_path / "there")
        assert [(one.question, one.emotion) for one in found] == [("Why sad?", "sad"), ("Why is he glad?", "glad")]
        assert subjects(file, images=tmp_path / "there").images == tmp_path / "there"

    def test_several_persons_and_emotions_of_one_picture(self, records):
        lines = [
            {"id": "1", "image": "a.png", "person": "the man"},
            {"id": "2", "image": "a.png", "person": "the child"},
            {"id": "3", "image": "a.png", "person": "the child", "emotion": "afraid"},
        ]
        found = samples(records(*lines))
        assert len({one.question for one in found}) == 3
        assert {one.cluster for one in found} == {"a.png"}

    def test_our_own_record_format(self, records):
        """What `whyfeel run jsonl` reads; its triggers are not looked at."""
        line = {
            "id": "r1",
            "image": "a.png",
            "question": "Why is she sad?\nThink of the rain.",
            "emotion": "sad",
            "triggers": ["Rain", {"text": "A torn letter", "weight": 2}],
            "rubric": "Be kind.",
        }
        file = records(line)
        (one,) = samples(file)
        (benchmark,) = open_task("jsonl", file, None)
        assert one.question.startswith(benchmark.question)
        assert "Rain" not in repr(one)
        assert (one.id, one.emotion, one.media) == (benchmark.id, benchmark.emotion, benchmark.media)

    def test_a_mark_at_the_start_and_blank_lines(self, records):
        file = records(raw=b'\xef\xbb\xbf{"image": "a.png"}\r\n\n  \n{"image": "b.png"}')
        assert [one.id for one in samples(file)] == ["a.png", "b.png"]

    @pytest.mark.parametrize(
        ("lines", "told"),
        [
            ([{}], "line 1: field 'image': it is missing"),
            ([{"image": "a.png"}, {"image": None}], "line 2: field 'image'"),
            ([{"image": "a.png", "imgae": 1}], "line 1: unknown key 'imgae'; expected {\"image\""),
            ([{"image": "a.png", "emotion": 3}], "line 1: field 'emotion': expected a valid string, got 3"),
            ([{"image": "a.png", "emotion": ["sad"]}], "line 1: field 'emotion'"),
            ([{"image": "a.png", "person": " "}], "line 1: field 'person': expected a text that is not blank"),
            ([{"image": "a.png", "person": "a\nb"}], "line 1: field 'person': expected a text of one line"),
            ([{"image": "a.png", "query": "Why?", "question": "Why?"}], "line 1: expected 'query' or 'question'"),
            ([{"image": "a.png", "query": "\ud800"}], "line 1: field 'query': expected valid Unicode"),
            ([{"image": "ftp://a/b.png"}], "line 1: field 'image': expected a path below the images folder, or a URL"),
            ([{"image": "a.png"}, {"image": "a.png"}], "line 2: 'a.png' stands on line 1 already"),
            ([{"image": "a.png"}, {"image": "b.png", "id": "a.png"}], "line 2: 'a.png' stands on line 1 already"),
            ([["a.png"]], 'line 1: expected {"image"'),
        ],
    )
    def test_a_record_that_is_none_is_named_by_its_line(self, lines, told, records):
        with pytest.raises(DataError) as error:
            subjects(records(*lines))
        assert told in str(error.value)
        assert "records.jsonl" in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b"", "holds no record"),
            (b"\n \n", "holds no record"),
            (b'{"image": "a.png"}\n{"image": "b', "line 2: expected one JSON object"),
            (b'{"image": "a.png", "image": "b.png"}', "'image' stands twice"),
            (b'{"image": "\xff.png"}\n', "line 1: .*not UTF-8"),
            (b'[{"image": "a.png"}]\n', "line 1: expected"),
            (b"image,emotion\na.png,sad\n", "line 1: expected one JSON object"),
        ],
    )
    def test_a_file_that_is_none(self, raw, told, records):
        with pytest.raises(DataError, match=told):
            subjects(records(raw=raw))

    def test_the_root_of_the_pictures_is_a_folder(self, records, tmp_path):
        with pytest.raises(UserError, match="--images: expected a folder, got"):
            subjects(records({"image": "a.png"}), images=tmp_path / "nowhere")

    def test_several_emotions_are_for_folders(self, records):
        with pytest.raises(UserError, match="--emotion: a record asks about one emotion"):
            subjects(records({"image": "a.png"}), emotion=("sad", "glad"))

    def test_a_file_that_changes_under_way_is_refused_where_it_changed(self, records):
        file = records({"image": "a.png"})
        found = subjects(file)
        file.write_text('{"image": 3}\n', encoding="utf-8")
        with pytest.raises(DataError, match="line 1"):
            list(found.samples())


class TestTask:
    def test_its_samples_without_their_triggers(self):
        given_, task = samples("scenes"), list(open_task("scenes", None, None))
        assert [(one.id, one.question, one.emotion, one.media) for one in given_] == [
            (one.id, one.question, one.emotion, one.media) for one in task
        ]
        assert any(one.triggers for one in task)

    def test_eibench(self, eibench, tmp_path):
        found = samples("eibench-complex", data=eibench, images=tmp_path)
        assert len({one.media for one in found}) < len(found), "several questions about one picture"
        assert len({one.id for one in found}) == len(found)

    @pytest.mark.parametrize("option", [{"query": "Why?"}, {"emotion": ("sad",)}])
    def test_it_has_its_own_questions(self, option):
        with pytest.raises(UserError, match="scenes has its own questions and emotions"):
            subjects("scenes", **option)

    def test_a_folder_of_its_name_comes_first(self, paint, tmp_path, monkeypatch):
        paint(tmp_path / "scenes", "a.png")
        monkeypatch.chdir(tmp_path)
        assert [one.id for one in samples("scenes")] == ["a.png"]


@pytest.mark.parametrize("source", ["nowhere", "", "eibench", "x" * 5000, "a\x00b", "/dev/null"])
def test_what_is_nothing_of_these(source, tmp_path, monkeypatch, paint):
    """Also not the folder that somebody happens to stand in."""
    monkeypatch.chdir(paint(tmp_path, "a.png"))
    with pytest.raises(
        UserError, match=r"^IMAGES: .* is no folder and no file; expected a folder of pictures"
    ) as error:
        subjects(source)
    assert len(str(error.value)) < 400


def test_one_picture_is_no_record_file(folder):
    with pytest.raises(UserError, match="is one picture; give the folder that holds it"):
        subjects(folder / "a.png")
