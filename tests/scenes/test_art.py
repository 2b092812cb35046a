import re
from itertools import chain

import pytest

from whyfeel.judging.overlap import OverlapJudge
from whyfeel.records import KINDS, Response, Sample, Trigger, numbered
from whyfeel.scenes.art import Motif, art
from whyfeel.scenes.scene import KIND_OF

ART = art()
GROUPS = (ART.things, ART.places, ART.weathers, ART.faces, ART.poses, ART.gestures)
NAMED: dict[str, Motif] = {name: one for group in GROUPS for name, one in group.items() if one.words}
EVERY = [*NAMED.values(), *ART.bodies.values(), *ART.grimaces.values(), ART.plain, ART.hat, ART.head]
EVERY += [ART.faces["calm"], ART.poses["still"]]
ROLES = {"skin", "skin-dark", "hair", "top", "sleeve", "bottom", "hat", "brim"}
LITTLE = {"a", "an", "the", "of", "in", "on", "to", "that", "is", "with", "for", "who", "from", "by", "out"}


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - LITTLE


def test_there_is_enough_to_draw():
    assert sum(len(group) for group in GROUPS) == len(NAMED) + 2  # the calm face and the still posture; no name twice
    assert len(ART.things) >= 30
    assert len(ART.emotions) >= 6
    assert set(KIND_OF.values()) == set(KINDS)


@pytest.mark.parametrize("name", NAMED)
def test_a_motif_has_a_few_wordings_that_share_a_word_and_name_no_emotion(name: str):
    motif = NAMED[name]
    assert len(set(motif.words)) == 3
    assert all(len(text.splitlines()) == 1 and text == text.strip() and text[0].isupper() for text in motif.words)
    assert not words(" ".join(motif.words)) & set(ART.emotions)
    assert motif.feel
    assert motif.feel <= set(ART.emotions)


def test_every_emotion_has_something_of_each_part():
    for group in GROUPS:
        assert set(ART.emotions) <= set(chain.from_iterable(one.feel for one in group.values()))


def test_every_colour_is_known():
    used = {shape.colour for one in EVERY for shapes in one.layers.values() for shape in shapes}
    assert used <= ART.palette.keys() | ROLES
    assert all(one.sky in ART.palette for one in EVERY)


def test_corners_are_given_from_the_upper_left():
    for one in EVERY:
        for shape in chain.from_iterable(one.layers.values()):
            if shape.op in {"box", "oval"}:
                (left, top), (right, bottom) = shape.points
                assert left < right
                assert top < bottom


@pytest.mark.parametrize("name", ART.things)
def test_a_thing_stays_in_its_box(name: str):
    thing = ART.things[name]
    assert thing.at in {"ground", "up"}
    for shape in thing.layers["draw"]:
        edge = shape.width / 2
        assert all(abs(x) + edge <= 5.6 and -10.6 <= y <= 0.8 for x, y in shape.points)


def test_no_question_names_a_trigger():
    asked = words(" ".join(ART.questions)) | {*ART.emotions, *ART.clothes, *ART.bodies}
    asked |= {"dress", "shirt", "cap", "left", "middle", "right"}
    for motif in NAMED.values():
        assert not words(" ".join(motif.words)) & asked, motif.words


@pytest.mark.parametrize("place", range(3))
def test_the_offline_judge_takes_each_wording_for_the_motif_that_it_words(place: int):
    """All wordings of one column as the answer, those of the next as the annotation."""
    triggers = tuple(Trigger(motif.words[place]) for motif in NAMED.values())
    answer = [motif.words[(place + 1) % 3] for motif in NAMED.values()]
    sample = Sample("s", "Why?", "happy", triggers, (), "s")
    asking = OverlapJudge([sample]).judge(sample, Response("s", numbered(answer)))
    with pytest.raises(StopIteration) as ended:
        next(asking)
    found = {number: text for number, text, _ in ended.value.value.detail["matched"]}
    assert [words(found.get(number, "")) for number in range(len(answer))] == [words(text) for text in answer]
