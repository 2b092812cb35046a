"""A study is made of runs and references: blind, balanced, frozen, and whole or not at all."""

from __future__ import annotations

import json
import math
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from whyfeel.cli.progress import Quiet
from whyfeel.cli.study_create import create
from whyfeel.errors import DataError, StoreFailed, UserError
from whyfeel.judging.references import human_answer
from whyfeel.media import Loaded
from whyfeel.records import Sample
from whyfeel.runs import run, run_options
from whyfeel.study import create as module
from whyfeel.study.create import create_study
from whyfeel.study.design import Design, Key
from whyfeel.study.folder import StudyFolder
from whyfeel.study.options import StudyOptions, read_scale
from whyfeel.study.sources import Slot, draw
from whyfeel.tasks import open_task

# six samples on five pictures
PICTURES = ("a", "a", "b", "c", "d", "e")
IDS = tuple(f"s{n}" for n in range(len(PICTURES)))
REFERENCE = {id_: f"people say {id_}\nand more" for id_ in IDS}

Answering = Callable[..., Path]


def picture(side: int, colour: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (side, 20), (colour, 80, 80)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records with pictures, and a finished run of a baseline."""
    place = tmp_path_factory.mktemp("ground")
    rows = [
        {
            "id": id_,
            "image": f"{name}.png",
            "caption": f"caption {id_}",
            "emotion": "sad",
            "question": f"Why {id_}?",
            "triggers": REFERENCE[id_].split("\n"),
        }
        for id_, name in zip(IDS, PICTURES, strict=True)
    ]
    (place / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for number, name in enumerate(sorted(set(PICTURES))):
        (place / f"{name}.png").write_bytes(picture(40, number))
    given = {"task": "jsonl", "model": "baseline:echo", "data": place / "records.jsonl"}
    run(run_options({**given, "images": place, "out": place / "run"}), Quiet())
    return place


@pytest.fixture
def answering(ground: Path, tmp_path: Path) -> Answering:
    """Make a run that gave these answers, sample id to text, or to None where none was obtained."""

    def make(name: str, answers: Mapping[str, str | None] | None = None, **spec: Any) -> Path:
        said = {id_: f"{name} says {id_}" for id_ in IDS} | dict(answers or {})
        out = tmp_path / name
        shutil.copytree(ground / "run", out)
        lines = [
            {"id": id_, "text": text, "outcome": "ok", "asks": []}
            if text is not None
            else {"id": id_, "unscored": {"reason": "timeout", "detail": ""}, "asks": []}
            for id_, text in said.items()
        ]
        (out / "responses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        manifest = json.loads((out / "run.json").read_text())
        manifest["spec"] |= {"model": f"model {name}"} | spec
        (out / "run.json").write_text(json.dumps(manifest))
        return out

    return make


def made(place: Path, kind: Any, *runs: Path, **given: Any) -> tuple[Design, Key, dict[str, Any]]:
    """A study as it reads back, and the document."""
    told = create_study(StudyOptions(place, kind, runs, **given))
    folder = StudyFolder(place)
    design = folder.read_design()
    return design, folder.read_key(design), told


def test_every_text_is_its_sources_and_nothing_but_the_key_tells_which(
    answering: Answering, ground: Path, tmp_path: Path
) -> None:
    one, two = answering("one"), answering("two")
    place = tmp_path / "study"
    design, key, told = made(place, "pairwise", one, two, human=True)
    says = {"model one": "one says", "model two": "two says", "human": "people say"}
    assert sorted(source.name for source in key.systems.values()) == ["human", "model one", "model two"]
    pairs = Counter()
    for item in design.items:
        for candidate in item.candidates:
            assert candidate.text.startswith(f"{says[key.systems[candidate.system].name]} {item.sample}")
        pairs[item.sample, frozenset(one.system for one in item.candidates)] += 1
        assert (item.question, item.caption) == (f"Why {item.sample}?", f"caption {item.sample}")
        shown = PICTURES[IDS.index(item.sample)] + ".png"
        assert (place / "pictures" / item.picture).read_bytes() == (ground / shown).read_bytes()
        assert item.cluster == shown
    assert len(pairs) == len(design.items) == len(IDS) * 3 == told["items"]
    assert len({one.id for item in design.items for one in item.candidates}) == len(IDS) * 3
    assert design.systems == (1, 2, 3)
    assert told["left_out"] == {}
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert files.keys() == {"design.json", "key.json", "pictures"}
    assert (files["key.json"], stat.S_IMODE(place.stat().st_mode)) == (0o600, 0o700)
    assert {path.name for path in (place / "pictures").iterdir()} == {item.picture for item in design.items}
    for spilt in (json.dumps(design.to_json()), json.dumps(told)):
        assert not any(mark in spilt for mark in ("model one", "human", str(one), "responses"))
    assert key.systems[next(n for n, source in key.systems.items() if source.name == "model one")].run == str(one)


def shown_systems(study: tuple[Design, Key, dict[str, Any]]) -> list[tuple[int, ...]]:
    """The systems of each item, as the candidates stand."""
    return [tuple(one.system for one in item.candidates) for item in study[0].items]


def test_codes_sides_and_order_are_drawn_with_a_secret_and_items_by_the_seed(
    answering: Answering, tmp_path: Path
) -> None:
    runs = answering("one"), answering("two")
    studies = [made(tmp_path / f"study{n}", "pairwise", *runs, human=True, items=7, no_images=True) for n in range(12)]

    def asked(design: Design, key: Key) -> set[tuple[str, frozenset[str]]]:
        return {(one.sample, frozenset(key.systems[it.system].name for it in one.candidates)) for one in design.items}

    assert all(asked(design, key) == asked(*studies[0][:2]) for design, key, _ in studies)
    assert len({tuple(source.name for source in key.systems.values()) for _, key, _ in studies}) > 1
    assert len({tuple(item.sample for item in design.items) for design, _, _ in studies}) > 1
    ids = [one.id for design, _, _ in studies for item in design.items for one in item.candidates]
    assert len({item.id for design, _, _ in studies for item in design.items}) == 12 * 7
    assert not set(ids[:14]) & set(ids[14:])
    # candidates stand by number: sides that are balanced by `assignment` are then those of the systems
    assert all(pair == tuple(sorted(pair)) for study in studies for pair in shown_systems(study))
    other = made(tmp_path / "other", "pairwise", *runs, human=True, items=7, no_images=True, seed=5)
    assert asked(*other[:2]) != asked(*studies[0][:2])


def test_what_makes_no_item_is_counted(answering: Answering, tmp_path: Path) -> None:
    one = answering("one", {"s0": None, "s1": "Her  DOG\nran away ", "s2": "", "s3": ""})
    two = answering("two", {"s1": " her dog ran away", "s3": "", "s4": None})
    design, _, told = made(tmp_path / "study", "pairwise", one, two)
    assert told["left_out"] == design.left_out == {"identical texts": 2, "not obtained: timeout": 2}
    assert {item.sample for item in design.items} == {"s2", "s5"}
    [empty] = [item for item in design.items if item.sample == "s2"]
    assert {candidate.text for candidate in empty.candidates} == {"", "two says s2"}
    rated, _, told = made(tmp_path / "rated", "rating", one, two, items=5)
    assert told["left_out"] == rated.left_out == {"not drawn": 3, "not obtained: timeout": 4}
    assert all(len(item.candidates) == 1 for item in rated.items)


def test_samples_that_not_every_run_was_asked(answering: Answering, ground: Path, tmp_path: Path) -> None:
    given = {"task": "jsonl", "model": "baseline:stuff", "data": ground / "records.jsonl"}
    run(run_options({**given, "images": ground, "limit": 2, "out": tmp_path / "short"}), Quiet())
    design, _, told = made(tmp_path / "study", "pairwise", answering("one"), tmp_path / "short")
    assert {item.sample for item in design.items} == {"s0", "s1"}
    assert told["left_out"] == {"not asked of every source": 4}


def test_hostile_texts_are_kept_as_far_as_they_can_be_shown(answering: Answering, tmp_path: Path) -> None:
    huge = "<b>x</b> " * 120_000
    odd = {"s0": "a\x00b\ud800c", "s1": "<script>alert(1)</script>", "s2": "\u202eabc\u2028\x07", "s3": huge}
    design, _, told = made(tmp_path / "study", "rating", answering("one", odd), no_images=True)
    texts = {item.sample: item.candidates[0].text for item in design.items}
    assert texts == {**{id_: f"one says {id_}" for id_ in IDS}, **odd, "s0": "a\ufffdb\ufffdc"}
    # 120,000 + 5 x 3 words, and "Why s0?" and "caption s0" of each, at 200 a minute; 8 + 0 pages of 10 s, and 3 min
    words = (120_000 + 1 + 1 + 1 + 2 * 3 + 6 * 4) / 6
    assert told["minutes"] == math.ceil((6 + 2) * words / 200 + (10 * 10 + 180) / 60)


def test_references_alone_are_rated_without_a_run(ground: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"human": True, "task": "jsonl", "data": ground / "records.jsonl", "images": ground}
    design, key, _ = made(tmp_path / "study", "rating", **given)
    assert {item.sample: item.candidates[0].text for item in design.items} == REFERENCE
    assert [source.kind for source in key.systems.values()] == ["human"]
    assert design.answers == ("0", "1", "2", "3", "4", "5")


def test_one_persons_reason_is_drawn_where_several_answered(tmp_path: Path) -> None:
    who: dict[str, Any] = {"age": "none", "gender": "none", "education": "none", "ethnicity": []}
    pairs = {
        f"P{n}": [[None, "A net.", ["sad", "", ""], [f"Reason {worker}.", None, None], who] for worker in range(9)]
        for n in range(5)
    }
    data = tmp_path / "socratis.json"
    data.write_text(json.dumps(pairs))
    given: dict[str, Any] = {"human": True, "task": "socratis", "data": data, "seed": 4}
    design, _, _ = made(tmp_path / "study", "rating", **given)
    expected = {one.id: human_answer(one, alternatives=True, seed=4) for one in open_task("socratis", data, None)}
    assert {item.sample: item.candidates[0].text for item in design.items} == expected
    assert len(set(expected.values())) > 1


def test_pictures_are_shown_as_large_as_any_model_saw_them(answering: Answering, tmp_path: Path) -> None:
    small, large = answering("one", pictures="plain/2,max-side=10"), answering("two", pictures="plain/2,max-side=30")

    def sides(name: str, *runs: Path) -> set[int]:
        made(tmp_path / name, "rating", *runs)
        return {Loaded(path.read_bytes()).header.width for path in (tmp_path / name / "pictures").iterdir()}

    assert sides("small", small) == {10}
    assert sides("both", small, large) == {30}
    assert sides("whole", small, answering("three")) == {40}


def test_a_picture_that_cannot_be_shown_costs_its_items(answering: Answering, ground: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a", "b", "c", "d"):  # e is missing
        shutil.copy(ground / f"{name}.png", images)
    broken = bytearray((images / "b.png").read_bytes())
    at = broken.index(b"IDAT") + 8
    broken[at : at + 6] = b"\0" * 6  # the header is sound, the pixels are not; it shows when they are decoded
    (images / "b.png").write_bytes(bytes(broken))
    shrunk = answering("one", pictures="plain/2,max-side=10")
    design, _, told = made(tmp_path / "study", "rating", shrunk, images=images)
    assert {item.sample for item in design.items} == {"s0", "s1", "s3", "s4"}
    assert told["left_out"] == {"the picture cannot be shown": 2}
    assert any("e.png: no such file" in note and "b.png" in note for note in told["notes"])
    assert {path.name for path in (tmp_path / "study" / "pictures").iterdir()} == {one.picture for one in design.items}
    # those that are drawn make room for one another
    drawn, _, told = made(tmp_path / "drawn", "rating", shrunk, images=images, items=4)
    assert {item.sample for item in drawn.items} == {"s0", "s1", "s3", "s4"}
    for seed in range(6):  # another draw leaves no picture of the one before it
        place = tmp_path / f"study{seed}"
        few, _, _ = made(place, "rating", shrunk, images=images, items=2, seed=seed)
        assert {path.name for path in (place / "pictures").iterdir()} == {item.picture for item in few.items}
    plain, _, _ = made(tmp_path / "plain", "rating", answering("two"), no_images=True)
    assert {item.picture for item in plain.items} == {""}
    assert len(plain.items) == 6


def slots(groups: int, sizes: list[int]) -> list[Slot]:
    """Samples on pictures, `sizes` of each, and every set of sources for each sample."""
    samples = [
        Sample(f"{cluster}.{n}", "", "", (), (), f"{cluster}")
        for cluster, size in enumerate(sizes)
        for n in range(size)
    ]
    return [Slot(sample, (group,)) for sample in samples for group in range(groups)]


@given(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data(), st.integers(0, 99))
def test_sources_are_drawn_equally_often_and_pictures_spread(
    groups: int, sizes: list[int], data: st.DataObject, seed: int
) -> None:
    all_slots = slots(groups, sizes)
    n = data.draw(st.integers(1, len(all_slots)))
    chosen = draw(all_slots, n, np.random.default_rng(seed))
    assert len({(slot.sample.id, slot.voices) for slot in chosen}) == n == len(chosen)
    often = [sum(slot.voices == (group,) for slot in chosen) for group in range(groups)]
    assert max(often) - min(often) <= 1
    # the least that the picture shown most can be shown, whatever is drawn
    least = next(most for most in range(1, n + 1) if sum(min(most, groups * size) for size in sizes) >= n)
    assert max(Counter(slot.sample.cluster for slot in chosen).values()) == least


def test_samples_of_one_picture_take_turns() -> None:
    for seed in range(20):
        chosen = draw(slots(2, [4, 1]), 5, np.random.default_rng(seed))
        assert len({slot.sample.id for slot in chosen}) >= 4


def test_a_scarce_set_of_sources_chooses_its_pictures_first() -> None:
    everywhere = slots(1, [1] * 4)
    scarce = [Slot(everywhere[0].sample, (1,)), Slot(everywhere[1].sample, (1,))]
    for seed in range(20):
        chosen = draw([*everywhere, *scarce], 4, np.random.default_rng(seed))
        assert len({slot.sample.cluster for slot in chosen}) == 4
    assert len(draw([*everywhere, *scarce], 6, np.random.default_rng(0))) == 6


def test_terms_and_rules(answering: Answering, tmp_path: Path) -> None:
    design, _, told = made(tmp_path / "study", "pairwise", answering("one"), answering("two"))
    terms, rules = design.terms, design.rules
    assert (terms.ratings, terms.items, terms.repeats, terms.attention) == (3, 6, 2, 2)
    assert (terms.entry, terms.seats, terms.lease, terms.completion_code) == ("open", 0, 1800, "")
    assert (rules.tries, rules.attention, rules.seconds, rules.alike) == (2, 1, 3.0, True)
    assert (told["raters"], told["pages"]) == (3, 10)
    assert "about 10 pages" in design.texts.consent
    assert f"about {told['minutes']} minutes" in design.texts.consent
    assert "$" not in json.dumps(design.to_json())
    given: dict[str, Any] = {"entry": "invited", "seats": 3, "items_each": 4, "attention": 4, "ratings": 5}
    design, _, told = made(tmp_path / "other", "pairwise", tmp_path / "one", tmp_path / "two", **given)
    assert told["raters"] == 8  # 6 items of 5 votes each, 4 a rater
    assert (design.rules.attention, design.terms.repeats) == (2, 2)
    assert any("3 seats are fewer" in note for note in told["notes"])
    assert "number of your invitation" in design.texts.consent


def test_the_command_tells_what_was_made_and_not_whose(
    answering: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [answering("one"), answering("two")]
    assert create(tmp_path / "study", "pairwise", from_=runs, entry="prolific", json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["serve"] == f"whyfeel study serve {tmp_path / 'study'}"
    assert any("--completion-code" in note for note in told["notes"])
    assert create(tmp_path / "again", "rating", from_=runs, scale="1:7", anchor=["1=no", "7=yes"], human=True) == 0
    table = capsys.readouterr().out
    assert "systems, coded" in table
    assert "whyfeel study serve" in table
    assert not any(mark in table.replace("\n", "") for mark in ("model one", "model two", "human"))
    design = StudyFolder(tmp_path / "again").read_design()
    assert design.scale == read_scale("1:7", ["1=no", "7=yes"])
    assert {one.answer for one in design.texts.attention} == {"1", "7"}


NO_RUN: dict[str, Any] = {"runs": ()}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "ratings"}, "--kind: expected pairwise or rating"),
        ({"entry": "all"}, "--entry: expected open or invited or prolific"),
        ({"items": 0}, "--items: expected 1 to"),
        ({"items": 7}, "7 are asked for, 6 can be made"),
        ({"ratings": 0}, "--ratings"),
        ({"items_each": 0}, "--items-each"),
        ({"items_each": 3, "repeats": 4}, "--repeats: expected 0 to 3"),
        ({"repeats": 7}, "a rater gets 6 items"),
        ({"attention": 5}, "the texts have 4 checks"),
        ({"max_failed_attention": 3}, "--max-failed-attention: expected 0 to 2"),
        ({"lease": math.nan}, "--lease"),
        ({"min_seconds": math.inf}, "--min-seconds"),
        ({"seats": 4}, "--seats is for --entry invited"),
        ({"entry": "invited"}, "needs --seats"),
        ({"completion_code": "a\nb"}, "one line"),
        ({"completion_code": "x" * 201}, "one line of at most 200"),
        ({"scale": "1:5"}, "are for --kind rating"),
        ({"anchors": ("1=a",)}, "are for --kind rating"),
        ({"kind": "rating", "scale": "5:1"}, "expected LO:HI"),
        ({"kind": "rating", "scale": "1:200"}, "expected LO:HI"),
        ({"kind": "rating", "scale": "1:5"}, "words at both ends"),
        ({"kind": "rating", "scale": "1:5", "anchors": ("1=a", "6=b")}, "a point from 1 to 5"),
        ({"kind": "rating", "anchors": ("0=a", "0=b")}, "two texts"),
        ({"task": "jsonl"}, "--task is for a study without runs"),
        ({"no_images": True, "images": Path()}, "give one of them"),
        (NO_RUN, "nothing to judge"),
        (NO_RUN | {"human": True, "task": "jsonl"}, "two sources"),
        (NO_RUN | {"kind": "rating", "task": "scenes"}, "nothing to judge"),
        (NO_RUN | {"kind": "rating", "human": True, "task": "scene"}, "did you mean 'scenes'"),
        ({"texts": Path("nowhere.toml")}, "not a readable TOML"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(
    answering: Answering, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    given = {"kind": "pairwise", "runs": (answering("one"), answering("two")), **given}
    with pytest.raises(UserError, match=said) as raised:
        create_study(StudyOptions(tmp_path / "new" / "study", **given))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "new" / "study").exists()
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())


def test_runs_that_do_not_belong_together(answering: Answering, ground: Path, tmp_path: Path) -> None:
    one, other, fresh = answering("one"), tmp_path / "scenes", tmp_path / "study"

    def refused(kind: type[UserError], said: str, *runs: Path) -> None:
        with pytest.raises(kind, match=said):
            create_study(StudyOptions(fresh, "pairwise", runs))

    run(run_options({"task": "scenes", "model": "baseline:echo", "out": other}), Quiet())
    refused(UserError, f"'{one}' and '{other}' are no runs of the same records: task is 'jsonl' there", one, other)
    refused(UserError, "hold the same answers", one, one)
    unfinished = answering("unfinished")
    (unfinished / "responses.jsonl").unlink()
    refused(DataError, "responses.jsonl", one, unfinished)
    refused(DataError, "run.json", one, tmp_path / "nothing")
    empty = answering("empty", dict.fromkeys(IDS))
    refused(UserError, r"left out: not obtained: timeout \(6\)", one, empty)
    copied = tmp_path / "records.jsonl"
    copied.write_text((ground / "records.jsonl").read_text().replace("and more", "or less"))
    with pytest.raises(DataError, match="not those of the run"):
        create_study(StudyOptions(fresh, "pairwise", (one, answering("two")), data=copied))
    assert not fresh.exists()
    same = [answering(name, model="m") for name in ("x", "y")]
    _, key, _ = made(fresh, "pairwise", *same)
    assert sorted(source.name for source in key.systems.values()) == ["m (x)", "m (y)"]


def test_what_is_there_is_never_touched(answering: Answering, tmp_path: Path) -> None:
    runs = answering("one"), answering("two")
    place = tmp_path / "study"
    place.mkdir()
    made(place, "pairwise", *runs)  # an empty folder will do
    before = (place / "design.json").read_bytes()
    with pytest.raises(UserError, match="holds something already"):
        create_study(StudyOptions(place, "pairwise", runs))
    assert (place / "design.json").read_bytes() == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        create_study(StudyOptions(tmp_path / "file", "pairwise", runs))
    for hopeless in (tmp_path / "file" / "study", tmp_path / ("x" * 300), Path("a\0b")):
        with pytest.raises(UserError, match="STUDY"):
            create_study(StudyOptions(hopeless, "pairwise", runs))


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_study_is_whole_or_not_there(
    answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    place = tmp_path / "new" / "study"
    seen = []

    def write(path: Path, value: Mapping[str, Any]) -> None:
        seen.append((path.name, place.exists()))
        raise fault

    options = StudyOptions(place, "pairwise", (answering("one"), answering("two")))
    monkeypatch.setattr(module, "write_json", write)
    with pytest.raises(StoreFailed if isinstance(fault, OSError) else KeyboardInterrupt):
        create_study(options)
    assert seen == [("design.json", False)]
    assert list((tmp_path / "new").iterdir()) == []
    renamed = []
    monkeypatch.undo()
    rename = Path.rename

    def spy(self: Path, target: Path) -> Path:
        renamed.append((sorted(path.name for path in self.iterdir()), place.exists()))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", spy)
    create_study(options)
    # the name appears in one step, with all that belongs under it
    assert renamed == [(["design.json", "key.json", "pictures"], False)]
