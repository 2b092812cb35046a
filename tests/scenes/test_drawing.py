from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from whyfeel.scenes import Figure, Item, Scene, compose, draw
from whyfeel.scenes.art import art
from whyfeel.scenes.png import encode

BLANK = Scene("train", 0, "happy", "Why?", 1, (), (), "", "", ())


def pixels(scene: Scene, size: int = 64) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(draw(scene, size)))).astype(int)


def covered(scene: Scene, without: Scene = BLANK) -> np.ndarray:
    return np.abs(pixels(scene) - pixels(without)).max(axis=2) > 0


@pytest.mark.parametrize("size", [32, 64, 97, 256])
def test_a_scene_is_a_square_picture_the_same_each_time(size: int):
    scene = compose(0, 5, "train")
    content = draw(scene, size)
    with Image.open(BytesIO(content)) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (size, size))
    assert draw(scene, size) == content


def test_what_is_plain_is_sky_over_ground():
    picture = pixels(BLANK)
    assert {tuple(one) for one in picture[:42].reshape(-1, 3)} == {art().palette["plain-sky"]}
    assert {tuple(one) for one in picture[42:].reshape(-1, 3)} == {art().palette["plain-ground"]}


@pytest.mark.parametrize(("column", "centre"), [(0, 11), (1, 32), (2, 53)])
def test_a_figure_stands_in_its_column_in_its_own_colours(column: int, centre: int):
    figure = Figure(column, "boy", 0, 0, "red", "green")
    scene = replace(BLANK, people=(figure,))
    xs = np.nonzero(covered(scene))[1]
    assert centre - 9 <= xs.min()
    assert xs.max() <= centre + 9
    colours = {tuple(one) for one in pixels(scene)[:, centre - 3 : centre + 3].reshape(-1, 3)}
    assert {art().clothes["red"], art().clothes["green"], art().skins[0]} <= colours


@pytest.mark.parametrize(
    ("slot", "rows", "columns"),
    [("left", (51, 63), (21, 33)), ("right", (51, 63), (31, 43)), ("up", (1, 13), (26, 38))],
)
def test_a_thing_lies_in_its_slot(slot: str, rows: tuple[int, int], columns: tuple[int, int]):
    thing = "kite" if slot == "up" else "cake"
    ys, xs = np.nonzero(covered(replace(BLANK, items=(Item(thing, 1, slot),))))
    assert rows[0] <= ys.min() <= ys.max() < rows[1]
    assert columns[0] <= xs.min() <= xs.max() < columns[1]


@pytest.mark.parametrize("gesture", ["wave", "point", "shout", "hug", "rose", "touch"])
def test_a_gesture_is_turned_to_whom_it_is_meant_for(gesture: str):
    still = replace(BLANK, people=(Figure(1, "girl", 0, 0, "red"),))
    for side in (-1, 1):
        doing = replace(BLANK, people=(Figure(1, "girl", 0, 0, "red", gesture=gesture, towards=side),))
        new = covered(doing, still) & ~covered(still)
        left, right = new[:, :32].sum(), new[:, 32:].sum()
        assert (right if side == 1 else left) > 2 * (left if side == 1 else right)


def test_a_picture_of_our_own_making_holds_the_same_pixels():
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    with Image.open(BytesIO(encode(Image.fromarray(noise)))) as image:
        assert np.array_equal(np.asarray(image), noise)
