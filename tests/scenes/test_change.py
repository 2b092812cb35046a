from dataclasses import asdict, replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from whyfeel.records import rng
from whyfeel.scenes import Cause, Scene, compose, draw, instead, without
from whyfeel.scenes.art import art
from whyfeel.scenes.draw import box

SCENES = [compose(3, index, "pairs") for index in range(80)]
CHANGED = 40  # of 255, in one colour
SEEN = 12  # pixels of 64 by 64


def pixels(scene: Scene, size: int = 64) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(draw(scene, size)))).astype(int)


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one - other).max(axis=2)


def outside(cause: Cause, scene: Scene, size: int) -> np.ndarray:
    left, top, right, bottom = (edge * size / 64 for edge in box(cause, scene))
    mask = np.ones((size, size), bool)
    mask[max(0, int(top)) : int(np.ceil(bottom)), max(0, int(left)) : int(np.ceil(right))] = False
    return mask


def test_a_trigger_that_is_gone_is_seen_to_be_gone_and_nothing_else_is():
    for scene in SCENES:
        whole = pixels(scene)
        for cause in scene.causes:
            changed = difference(whole, pixels(without(scene, cause)))
            assert not changed[outside(cause, scene, 64)].any(), (scene.id, cause)
            assert (changed > CHANGED).sum() >= SEEN, (scene.id, cause)


def test_what_takes_a_things_place_is_seen_and_nothing_else_is():
    for scene in SCENES[:40]:
        for cause in (one for one in scene.causes if one.part == "item"):
            other, new = instead(scene, cause, rng(0, "test", scene.id))
            changed = difference(pixels(scene), pixels(other))
            assert not changed[outside(cause, scene, 64)].any()
            assert (changed > CHANGED).sum() >= SEEN
            assert new.text not in {one.text for one in scene.causes}
            assert [new if one == cause else one for one in scene.causes] == list(other.causes)


def test_the_boxes_hold_at_another_size():
    for scene in SCENES[:6]:
        for cause in scene.causes:
            changed = difference(pixels(scene, 160), pixels(without(scene, cause), 160))
            assert not changed[outside(cause, scene, 160)].any()


def test_a_change_leaves_the_question_and_the_other_triggers():
    for scene in SCENES:
        for cause in scene.causes:
            left = without(scene, cause)
            assert [one for one in scene.causes if one != cause] == list(left.causes)
            assert replace(left, causes=(), people=(), items=(), place="", weather="") == replace(
                scene, causes=(), people=(), items=(), place="", weather=""
            )
            assert (
                sum(getattr(left, name) != getattr(scene, name) for name in ("people", "items", "place", "weather"))
                == 1
            )


def test_of_a_person_only_what_goes_changes():
    gone = {"face": {"face"}, "pose": {"pose"}, "gesture": {"gesture", "towards"}}
    for scene in SCENES:
        for cause in (one for one in scene.causes if one.part in gone):
            pairs = zip(map(asdict, scene.people), map(asdict, without(scene, cause).people), strict=True)
            changed = {name for one, other in pairs for name in one if one[name] != other[name]}
            assert changed == gone[cause.part]


def test_without_all_its_triggers_a_person_stands_at_rest_on_plain_ground():
    for scene in SCENES[:40]:
        left = scene
        for cause in scene.causes:
            left = without(left, cause)
        me = next(one for one in left.people if one.column == scene.asked)
        assert (me.face, me.pose, left.place, left.weather, left.causes) == ("calm", "still", "", "", ())
        assert not any(one.column == scene.asked for one in left.items)
        assert not any(one.towards and one.column + one.towards == scene.asked for one in left.people)


def test_what_takes_a_things_place_is_drawn_by_the_generator_and_belongs_there():
    scene = next(one for one in SCENES if any(cause.slot == "up" for cause in one.causes))
    cause = next(one for one in scene.causes if one.slot == "up")
    drawn = {instead(scene, cause, rng(0, "test", n))[1].text for n in range(40)}
    assert instead(scene, cause, rng(0, "test", 1)) == instead(scene, cause, rng(0, "test", 1))
    above = {text for one in art().things.values() if one.at == "up" for text in one.words}
    assert len(drawn) > 8
    assert drawn <= above


def test_only_a_things_place_can_be_taken_and_only_what_is_there_can_go():
    scene, stranger = SCENES[0], Cause("A zebra", "item", 0, "left")
    with pytest.raises(ValueError, match="expected a trigger of the scene 'pairs-00000', got Cause"):
        without(scene, stranger)
    with pytest.raises(ValueError, match="expected a trigger of the scene"):
        instead(scene, stranger, rng(0, "test"))
    other = next((one, cause) for one in SCENES for cause in one.causes if cause.part != "item")
    with pytest.raises(ValueError, match="only a thing can be replaced"):
        instead(*other, rng(0, "test"))
