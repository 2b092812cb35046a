import re
from itertools import chain

import pytest

from whyfeel.scenes import Scene, compose
from whyfeel.scenes.art import art
from whyfeel.scenes.reserved import ONE_IN, reserved, together

TRAIN = [compose(7, index, "train") for index in range(2500)]
HELD = [compose(7, index, "held-out") for index in range(200)]
SCENES = [*TRAIN[:200], *HELD, *(compose(7, index, "pairs") for index in range(50))]


def pairs(scene: Scene) -> set[tuple[str, str]]:
    with_place = {(one.thing, scene.place) for one in scene.items if scene.place}
    return with_place | {(one.thing, scene.emotion) for one in scene.items if one.column == scene.asked}


def expected(scene: Scene) -> list[tuple[str, tuple[str, ...]]]:
    """The part and the wordings of all triggers, told anew from what is drawn."""
    looks = art()
    me = next(one for one in scene.people if one.column == scene.asked)
    found = [("face", looks.faces[me.face].words), ("pose", looks.poses[me.pose].words)]
    for one in scene.people:
        if one.towards and one.column + one.towards == scene.asked:
            found.append(("gesture", looks.gestures[one.gesture].words))
    found += [("item", looks.things[one.thing].words) for one in scene.items if one.column == scene.asked]
    found += [("place", looks.places[scene.place].words)] if scene.place else []
    found += [("weather", looks.weathers[scene.weather].words)] if scene.weather else []
    return [one for one in found if one[1]]


def test_a_scene_is_the_same_whichever_others_are_composed():
    assert compose(7, 180, "train") == TRAIN[180]
    assert compose(8, 180, "train") != TRAIN[180]
    assert TRAIN[3].causes != HELD[3].causes
    assert len({one.id for one in SCENES}) == len(SCENES)


def test_a_seed_draws_the_same_scenes_in_every_release():
    scene = compose(0, 0, "train")
    assert scene.id == "train-00000"
    assert scene.question == "Why might the boy in the yellow shirt be feeling proud?"
    assert [one.text for one in scene.causes] == [
        "The raised arms",
        "The coiled snake",
        "The paper kite",
        "Classroom at school",
    ]


def test_the_triggers_are_what_is_drawn_for_the_person_asked_about():
    for scene in SCENES:
        told = expected(scene)
        assert [one.part for one in scene.causes] == [part for part, _ in told]
        assert all(one.text in some for one, (_, some) in zip(scene.causes, told, strict=True))
        assert 3 <= len(scene.causes) <= 6
        assert scene.causes[-1].text not in scene.question


def test_every_wording_and_every_number_of_triggers_and_people_occurs():
    told = {cause.text for scene in TRAIN for cause in scene.causes}
    looks = art()
    groups = (looks.things, looks.places, looks.weathers, looks.faces, looks.poses, looks.gestures)
    assert told == set(chain.from_iterable(one.words for group in groups for one in group.values()))
    assert {len(scene.causes) for scene in SCENES} == {3, 4, 5, 6}
    assert {len(scene.people) for scene in SCENES} == {1, 2, 3}
    assert {one.kind for scene in SCENES for one in scene.causes} == {"physical", "social", "object", "environment"}


def test_others_have_things_and_feelings_that_are_no_triggers():
    aside = [one for scene in SCENES for one in scene.people if one.column != scene.asked]
    assert any(one.face != "calm" for one in aside)
    assert any(one.column + one.towards != scene.asked for scene in SCENES for one in scene.people if one.towards)
    others = [one for scene in SCENES for one in scene.items if one.column != scene.asked]
    assert len(others) > len(SCENES) / 2


def test_nothing_stands_twice_or_in_the_way():
    for scene in SCENES:
        assert len({one.thing for one in scene.items}) == len(scene.items)
        assert len({(one.column, one.slot) for one in scene.items}) == len(scene.items)
        assert {one.column for one in scene.items} <= {one.column for one in scene.people}
        assert all((one.slot == "up") == (art().things[one.thing].at == "up") for one in scene.items)
        assert not (scene.weather and scene.place) or art().places[scene.place].outdoors


def test_the_question_fits_one_person():
    for scene in SCENES:
        sides = [one.column for one in scene.people]
        sign = re.search(r"(girl|boy) (in|with|on) the (\w+)(?: (\w+))?", scene.question)
        assert sign is not None
        body, _, word, _ = sign.groups()
        side = {"left": 0, "right": len(sides) - 1, "middle": 1}.get(word)
        if side is not None:
            fits = [scene.people[side]]
            assert word != "middle" or len(sides) == 3
            assert len(sides) > 1
        else:
            cap = "cap" in scene.question
            fits = [one for one in scene.people if word == (one.hat if cap else one.top)]
        assert [(one.column, one.body) for one in fits] == [(scene.asked, body)]
        assert scene.emotion in scene.question
        assert "{" not in scene.question


def test_training_shows_no_pair_that_is_held_out():
    assert not any(reserved(*pair) for scene in TRAIN for pair in pairs(scene))
    assert all(set(together(scene)) == pairs(scene) for scene in SCENES)


@pytest.mark.parametrize("split", ["held-out", "pairs"])
def test_every_other_scene_shows_a_pair_that_training_never_does(split: str):
    shown = set().union(*map(pairs, TRAIN))
    for scene in (one for one in SCENES if one.split == split):
        assert any(reserved(*pair) for pair in pairs(scene) - shown)


def test_each_half_of_what_is_held_out_is_common_in_training():
    """And nearly all that is not held out is shown, so that a pair that is missing is no accident."""
    looks = art()
    every = {(thing, other) for thing in looks.things for other in (*looks.places, *looks.emotions)}
    shown = set().union(*map(pairs, TRAIN))
    kept = {pair for pair in every if reserved(*pair)}
    assert len(kept) / len(every) == pytest.approx(1 / ONE_IN, abs=0.03)
    assert {thing for thing, _ in shown} == set(looks.things)
    assert {other for _, other in shown} == {*looks.places, *looks.emotions}
    assert len(shown) > 0.9 * len(every - kept)


def test_emotions_go_with_triggers_and_do_not_decide_them():
    """What fits is five times as likely as what does not: most things of a scene fit, and a good many do not."""
    looks = art()
    mine = [(one.thing, scene.emotion) for scene in TRAIN for one in scene.items if one.column == scene.asked]
    fits = sum(emotion in looks.things[thing].feel for thing, emotion in mine) / len(mine)
    chance = sum(len(one.feel) for one in looks.things.values()) / len(looks.things) / len(looks.emotions)
    odds = 5 * chance / (5 * chance + 1 - chance)
    assert fits == pytest.approx(odds, abs=0.05)
