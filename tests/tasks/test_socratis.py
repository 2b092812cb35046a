"""The task over a file in the released Socratis format, with every oddity of it; the file is our own."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import DataError, UserError
from whyfeel.records import Media, Sample, Trigger
from whyfeel.tasks import check_task, open_task, read_task
from whyfeel.tasks.emotion_words import MISSPELT, normalised
from whyfeel.tasks.socratis import Socratis

WHO = {"age": "55-64", "gender": "none", "education": "not entered", "ethnicity": [["White", "true"]]}
NOBODY = {"age": "none", "gender": "none", "education": "none", "ethnicity": []}
TURTLE = "sea/turtle.jpg"
NET = "A turtle is cut free from a net."


def entry(*slots: tuple[Any, Any], image: Any = TURTLE, caption: Any = NET, who: Any = WHO) -> list[Any]:
    """What a worker said, padded to three."""
    emotions, reasons = zip(*slots, *[("", None)] * (3 - len(slots)), strict=True)
    return [image, caption, list(emotions), list(reasons), who]


def written(folder: Path, value: object) -> Path:
    path = folder / "socratis.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def samples(folder: Path, *entries: list[Any]) -> list[Sample]:
    return list(open_task("socratis", written(folder, {"P1": entries}), None))


def test_workers_who_felt_the_same_are_one_sample_with_their_reasons(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "P1": [
                entry(("Happy", " Somebody helped\n it. "), ("sad", None)),
                entry(("hopeful", "It swims off."), ("happy", "It is free."), ("None", None), who=NOBODY),
                entry(("happy ", "It was in time."), ("Sad", "Nets are everywhere."), ("", ""), who=None),
                entry(("None", "None"), ("none", None), ("happy", None))[:4],
            ],
            "P2": [entry(("sad", "It lies on its back."), image="sea/other.jpg", caption=" On the shore. ", who={})],
        },
    )
    task = open_task("socratis", path, None)
    first, second, third, fourth = task
    assert first == Sample(
        id="P1#happy",
        question='Why would a person who sees this picture feel "happy"?',
        emotion="other",
        triggers=(Trigger("Somebody helped it."), Trigger("It is free."), Trigger("It was in time.")),
        media=(Media(TURTLE),),
        cluster=TURTLE,
        annotation="1. Somebody helped it.\n2. It is free.\n3. It was in time.",
        caption=NET,
        word="happy",
    )
    assert (second.id, second.word, second.triggers) == ("P1#sad", "Sad", (Trigger("Nets are everywhere."),))
    assert (third.id, third.cluster) == ("P1#hopeful", TURTLE)
    assert (fourth.id, fourth.cluster, fourth.caption) == ("P2#sad", "sea/other.jpg", "On the shore.")
    assert (task.groups, task.macro, task.files, task.images) == (("other",), False, (path,), None)
    assert not any(one.flags for one in task)


def test_the_question_has_the_raw_word_and_the_normalised_one_groups(tmp_path: Path) -> None:
    said = [
        entry((word, f"Reason {n}.")) for n, word in enumerate(["agry", "Angry", "ANGRY", "Angry", " agry", "agry"])
    ]
    [one] = samples(tmp_path, *said)
    assert (one.id, one.word, len(one.triggers)) == ("P1#angry", "agry", 6)
    assert one.question.endswith('feel "agry"?')
    assert one.flags == ("'agry' is read as 'angry'",)


def test_what_can_be_compared_with_nothing_is_left_out_and_told(tmp_path: Path) -> None:
    turned = entry(("afraid", "It is dark."), image="sea/other.jpg")
    path = written(
        tmp_path, {"P1": [entry(("sad", "A net."), ("Curious", None), ("", "Why?")), turned], "P2": [entry()]}
    )
    task = Socratis(path)
    assert [one.id for one in task] == ["P1#sad"]
    assert task.malformed == ()
    assert task.left_out == (
        ("P1", "a reason without an emotion at entry 1"),
        ("P1", "another picture at entry 2"),
        ("P1#curious", "no reason is given"),
    )
    told = check_task(task, None).to_json()["left_out"]
    assert told == [{"id": id_, "why": why} for id_, why in task.left_out]


def test_what_is_odd_is_flagged_and_kept(tmp_path: Path) -> None:
    found = samples(
        tmp_path,
        entry(("sad", "A net."), caption=NET + " "),
        entry(("sad", "A net."), ("glad", "It swims."), caption="A turtle."),
        entry(("sad", "A net."), ("sad", "It hurts.")),
    )
    assert [(one.id, one.caption, [t.text for t in one.triggers]) for one in found] == [
        ("P1#sad", NET, ["A net.", "It hurts."]),
        ("P1#glad", NET, ["It swims."]),
    ]
    again = tuple(f"the same reason again at entry {place}" for place in (2, 3))
    assert [one.flags for one in found] == [("another caption at entry 2", *again), ("another caption at entry 2",)]
    [bare] = samples(tmp_path, entry(("sad", "A net."), image=None, caption=None))
    assert (bare.media, bare.cluster, bare.caption) == ((), "P1", "")
    assert bare.flags == ("no picture", "no caption")


def test_the_commonest_emotions_are_groups_and_the_rest_is_other(tmp_path: Path) -> None:
    counts = {f"e{n:02}": 30 + n % 3 for n in range(13)} | {"rare": 29, "overall": 50, "other": 50}
    pairs = {
        f"{emotion}-{n}": [entry((emotion, "So it is."))] for emotion, count in counts.items() for n in range(count)
    }
    task = Socratis(written(tmp_path, pairs))
    ranked = sorted((-count, emotion) for emotion, count in counts.items() if emotion.startswith("e"))
    assert task.groups == (*(emotion for _, emotion in ranked[:12]), "other")
    report = check_task(task, None)
    assert report.groups == {emotion: counts[emotion] for emotion in task.groups[:-1]} | {"other": 30 + 29 + 50 + 50}
    assert {one.word for one in task if one.emotion == "other"} == {ranked[12][1], "rare", "overall", "other"}


def test_a_file_of_common_emotions_has_no_other(tmp_path: Path) -> None:
    pairs = {f"{n}": [entry((("sad", "glad")[n % 2], "So it is."))] for n in range(61)}
    task = Socratis(written(tmp_path, pairs))
    assert (task.groups, len(list(task))) == (("sad", "glad"), 61)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (7, "expected [image, caption, emotions, explanations, demographics], got a number"),
        (WHO, "demographics], got an object"),
        (entry()[:3], "demographics], got a list of 3"),
        ([*entry(), 1], "demographics], got a list of 6"),
        (entry(image=3), "expected the image to be a text or null, got a number"),
        (entry(image="a\ud800"), "expected the image to be valid Unicode"),
        (entry(image="http://u:p@h.example/a.png"), "a path below the images folder, got a URL"),
        (entry(caption=WHO), "expected the caption to be a text or null, got an object"),
        ([TURTLE, NET, WHO, [], WHO], "expected a list of 3 emotions, got an object"),
        ([TURTLE, NET, ["sad"], ["x"], WHO], "expected a list of 3 emotions, got a list of 1"),
        ([TURTLE, NET, ["a", "b", "c"], ["x"] * 4, WHO], "expected a list of 3 explanations, got a list of 4"),
        (entry((True, "x")), "expected each of the emotions to be a text or null, got a truth value"),
        (entry(("sad", ["x"])), "expected each of the explanations to be a text or null, got a list of 1"),
        (entry(who="55-64"), "expected the demographics to be an object or null, got a text"),
        (entry(who={"age": 55}), "expected texts and lists of [text, text] in the demographics, got a number"),
        (entry(who={"ethnicity": [["White"]]}), "in the demographics, got a list of 1"),
        (entry(who={"ethnicity": [["White", True]]}), "in the demographics, got a list of 1"),
        (entry(who={"ethnicity": {"White": "true"}}), "in the demographics, got an object"),
    ],
)
def test_a_malformed_entry_is_named_by_pair_and_position_and_never_quoted(tmp_path: Path, bad: Any, why: str) -> None:
    path = written(tmp_path, {"P1": [entry(("sad", "A net.")), bad], "P2": [entry(("glad", "It swims."))]})
    task = read_task("socratis", path, None)
    assert [one.id for one in task] == ["P1#sad", "P2#glad"]
    [fault] = task.malformed
    assert (fault.file, fault.line) == (str(path), None)
    assert fault.reason.startswith("pair 'P1', entry 2: expected ")
    assert fault.reason.endswith(why)
    with pytest.raises(DataError) as refused:
        open_task("socratis", path, None)
    assert str(refused.value) == f"{str(path)!r}: {fault.reason}"
    assert not any(told in fault.reason for told in ("55", "White", "u:p"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "expected one object {pair: [[image, caption, emotions, explanations, demographics], …]}, got a list"),
        ("{}", "got an object"),
        ("null", "got null"),
        ('{"P1": [', "expected one JSON document; "),
        ('{"P1": []}', "pair 'P1': expected a list of one or more entries, got a list of 0"),
        ('{"P1": {"age": "55-64"}}', "pair 'P1': expected a list of one or more entries, got an object"),
        ('{" ": [[]]}', "expected the name of a pair, got a blank text"),
        ('{"P1": [["", "", ["", "", ""], ["", "", ""]]], "P1": []}', "the key 'P1' stands twice in one object"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        open_task("socratis", path, None)
    assert str(refused.value).startswith(f"{str(path)!r}")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "55-64" not in str(refused.value)


def test_without_its_file_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="socratis needs --data: the released JSON file"):
        open_task("socratis", None, None)
    with pytest.raises(DataError, match=r"gone\.json' cannot be read: No such file"):
        open_task("socratis", tmp_path / "gone.json", None)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        open_task("socratis", tmp_path, None)


def test_a_correction_is_of_no_word_and_final() -> None:
    assert not set(MISSPELT) & set(MISSPELT.values())
    assert all(word == normalised(word.upper()) for word in MISSPELT.values())
    assert all(normalised(f" {wrong.title()}\n") == right for wrong, right in MISSPELT.items())


@given(st.text())
def test_normalising_twice_changes_nothing(word: str) -> None:
    assert normalised(normalised(word)) == normalised(word)


TEXTS = st.one_of(st.none(), st.sampled_from(["", "None", "sad", " SAD", "agry", "angry"]), st.text(max_size=3))
ENTRIES = st.builds(
    lambda image, caption, emotions, reasons: [image, caption, emotions, reasons, WHO],
    *(st.sampled_from(["a.png", "b.png", None]), TEXTS),
    *(st.lists(TEXTS, min_size=3, max_size=3), st.lists(TEXTS, min_size=3, max_size=3)),
)


@given(pairs=st.dictionaries(st.sampled_from(["P1", "P2"]), st.lists(ENTRIES, min_size=1, max_size=4), min_size=1))
def test_every_reason_of_a_sound_file_is_a_reference_once_or_told(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, Any]
) -> None:
    task = Socratis(written(tmp_path_factory.getbasetemp(), pairs))
    found = list(task)
    assert len({one.id for one in found}) == len(found)
    assert not {one.id for one in found} & {id_ for id_, _ in task.left_out}
    for one in found:
        key, _, emotion = one.id.partition("#")
        given_for = {
            " ".join(reason.split())
            for image, _, emotions, reasons, _ in pairs[key]
            if image == pairs[key][0][0]
            for raw, reason in zip(emotions, reasons, strict=True)
            if normalised(raw or "") == emotion and (reason or "").strip().casefold() not in {"", "none"}
        }
        assert {trigger.text for trigger in one.triggers} == given_for != set()
        assert len(one.triggers) == len(given_for)
        assert normalised(one.word) == emotion
        assert one.emotion in task.groups


def test_memory_stays_within_a_few_times_the_file(tmp_path: Path) -> None:
    slots = [("happy", "They would feel this way for " + "a good reason " * 8), ("sad", "Because of " + "it " * 30)]
    path = written(tmp_path, {f"P{n}": [entry(*slots, image=f"i/{n}.jpg", caption="word " * 20)] for n in range(2000)})
    tracemalloc.start()
    try:
        task = Socratis(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(list(task)) == 4000
    assert peak < 8 * path.stat().st_size
