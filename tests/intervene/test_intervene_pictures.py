"""Blurred regions and cells: pixels, the pictures that are sent, and what a model makes of them."""

from __future__ import annotations

import base64
import io
import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scripted_interventions import listed, paint, seen, sitting

from whyfeel.errors import CallFailed
from whyfeel.intervene.blur import blurred, upright_size
from whyfeel.intervene.scenes import Region
from whyfeel.media import BadPicture
from whyfeel.media.headers import walk


def noise(width=80, height=60, mode="RGB", seed=3):
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def saved(picture, kind="PNG", **more):
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_blur_changes_its_box_and_its_edge_and_nothing_else(mode):
    data = saved(noise(mode=mode))
    before, after = pixels(data), pixels(blurred(data, (30, 20, 62, 40)))
    changed = (before != after).any(axis=2)
    edge = 2  # a sixteenth of 32
    outside = np.ones_like(changed)
    outside[20 - edge : 40 + edge, 30 - edge : 62 + edge] = False
    assert not changed[outside].any()
    inside = after[20:40, 30:62]
    assert before[20:40, 30:62].std() > 60
    assert inside.std() < 12  # noise is gone
    assert abs(inside.mean() - before.mean()) < 15


def test_the_mask_is_whole_in_the_box_and_fades_linearly():
    """White on black: without the blur's own reach, what is left of a step is the mask."""
    data = saved(Image.new("RGB", (64, 64), "white"))
    assert (pixels(blurred(data, (16, 16, 48, 48))) == 255).all()
    half = Image.new("L", (400, 40), 0)
    half.paste(255, (200, 0, 400, 40))
    row = pixels(blurred(saved(half), (0, 0, 160, 40)))[20, :, 0]
    soft = pixels(blurred(saved(half), (0, 0, 400, 40)))[20, :, 0]
    assert row[:160].max() > 0  # the white part is within reach
    assert row[160] > row[165] > row[169] >= row[170] == 0
    assert (row[171:200] == 0).all()
    assert (row[200:] == 255).all()
    assert 0 < soft[199] < 255


def test_a_blur_is_deterministic_and_files_differ_by_it_alone():
    photo = saved(noise(), "JPEG", quality=80)
    assert blurred(photo, (0, 0, 40, 30)) == blurred(photo, (0, 0, 40, 30))
    assert walk(blurred(photo, None)).lossy
    whole, cell = pixels(blurred(photo, None)), pixels(blurred(photo, (0, 0, 40, 30)))
    assert (whole[40:, 50:] == cell[40:, 50:]).all()  # also under JPEG: its blocks are 8 pixels
    assert (pixels(blurred(saved(noise()), None)) == pixels(saved(noise()))).all()
    assert not walk(blurred(saved(noise().convert("P"), "GIF"), None)).lossy


def test_a_picture_is_changed_as_it_is_looked_at():
    """Orientation 6: the file lies on its side, 80 wide; looked at it is 80 high."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(noise(), "JPEG", exif=exif.tobytes())
    assert upright_size(walk(data)) == (60, 80)
    after = Image.open(io.BytesIO(blurred(data, (0, 0, 60, 20))))
    assert after.size == (60, 80)
    assert np.asarray(after)[:16].std() < 25 < np.asarray(after)[40:].std()


@pytest.mark.parametrize("data", [b"", b"no picture", saved(noise())[:200]])
def test_a_broken_picture_is_told_and_never_crashes(data):
    with pytest.raises(BadPicture) as bad:
        blurred(data, (0, 0, 8, 8))
    assert "\n" not in str(bad.value)


@given(
    *(st.floats(0, 1.2) for _ in range(2)),
    *(st.floats(0.001, 1.2) for _ in range(2)),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_a_box_has_pixels_and_lies_in_the_picture(left, top, width, height, across, down):
    box = Region(left, top, width, height).box(across, down)
    if box is not None:
        assert 0 <= box[0] < box[2] <= across
        assert 0 <= box[1] < box[3] <= down


def test_cells_tile_a_picture():
    for rows, columns in ((3, 3), (1, 7), (2, 5)):
        covered = np.zeros((47, 101), int)
        for row, column in product(range(rows), range(columns)):
            box = Region(column / columns, row / rows, 1 / columns, 1 / rows).box(101, 47)
            covered[box[1] : box[3], box[0] : box[2]] += 1
        assert (covered == 1).all()


def test_a_blurred_region_takes_its_trigger_away(regions, tmp_path):
    done = sitting(tmp_path / "run", regions)
    assert done.summary["by"] == "region"
    assert done.value() == 1
    assert (done.summary["pictures"], done.summary["n"]) == (5, 3)
    lines = done.lines("responses.jsonl")
    files = sorted(file.name for file in (tmp_path / "run" / "changed").iterdir())
    assert sorted(one["image"] for one in lines) == [f"changed/{name}" for name in files]
    assert [one["image"].rpartition(".")[2] for one in lines] == ["png"] * 3 + ["jpg"] * 2
    stamps = {file: file.stat().st_mtime_ns for file in (tmp_path / "run" / "changed").iterdir()}
    again = sitting(tmp_path / "run", regions)
    assert again.answerer.requests == []
    assert stamps == {file: file.stat().st_mtime_ns for file in (tmp_path / "run" / "changed").iterdir()}


@pytest.mark.parametrize("source", ["regions", "records"])
def test_examples_stand_beside_the_changed_picture(source, request, tmp_path):
    grid = {"task": "jsonl", "data": request.getfixturevalue(source), "grid": "2x2"} if source == "records" else {}
    folder = request.getfixturevalue(source)
    done = sitting(tmp_path / "run", folder, lambda _: "1. heavy rain", strategy="few-shot(1)", **grid)
    assert done.summary["unscored"] == {}
    shown = [sorted(one.path for one in asked.pictures) for asked in done.answerer.requests]
    assert {len(one) for one in shown} == {2}, "the example's own picture, and the one that is asked about"
    own = {file.name for file in folder.iterdir()}
    assert all(len(own & set(one)) == 1 for one in shown)


def test_who_sees_no_picture_has_none_made(regions, tmp_path):
    done = sitting(tmp_path / "run", regions, model="baseline:oracle")
    assert done.value() == 1
    assert not (tmp_path / "run" / "changed").exists()


def test_a_picture_that_cannot_be_sent_is_unscored_with_its_reason(regions, tmp_path):
    (regions / "a.png").write_bytes(b"nonsense")
    done = sitting(tmp_path / "run", regions)
    assert done.summary["unscored"] == {"bad picture": 2}
    assert done.summary["causal_sensitivity"]["overall"]["n"] == 1
    assert any("a.png" in note for note in done.watch.notes)


@pytest.fixture
def records(tmp_path):
    """Two records of the task jsonl: three things each, in cells 1,1 and 1,3 and 3,1 of a grid of 3x3."""
    folder = tmp_path / "records"
    things = ["a birthday cake", "a barking dog", "heavy rain"]
    rows = []
    for number in range(2):
        paint(folder / f"p{number}.png", things, 100 + number)
        row = {"id": f"p{number}", "image": f"p{number}.png", "question": "Why sad?", "emotion": "sad"}
        rows.append(row | {"triggers": things})
    (folder / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_each_cell_takes_away_what_lies_in_it(records, tmp_path):
    done = sitting(tmp_path / "run", "jsonl", data=records)
    assert (done.summary["by"], done.summary["pictures"], done.summary["n"]) == ("grid", 2 * 11, 6)
    assert done.value("named_present") == 1
    assert done.value() == pytest.approx(1 / 9)  # each hangs on one cell of nine
    grid = done.summary["grid"]
    assert (grid["grid"], grid["lost_in_any_cell"]["value"], grid["lost_again"]["value"]) == ("3x3", 1, 0)
    assert (grid["expected"], grid["again"]["value"]) == (0, 0)
    first = done.lines("cells.jsonl")[0]
    assert first["grid"] == [3, 3]
    assert first["lost"] == [
        [["a birthday cake"], [], ["a barking dog"]],
        [[], [], []],
        [["heavy rain"], [], []],
    ]
    cake = first["triggers"][0]
    assert cake["cells"] == [[0, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert (cake["whole"], cake["again"], cake["largest"]) == (1, 1, {"cell": [1, 1], "drop": 1})
    assert cake["drop"] == pytest.approx(1 / 9)
    assert list(done.summary["causal_sensitivity"]) == ["overall"]


def test_half_a_picture_takes_more_than_one_thing(records, tmp_path):
    """A model that names the cake only where it sees three things: the right half takes the dog, and so the cake."""

    def fickle(request):
        return listed([one for one in seen(request) if one != "a birthday cake" or len(seen(request)) == 3])

    done = sitting(tmp_path / "run", "jsonl", fickle, data=records, grid="1x2")
    by_trigger = {one["trigger"]: one["cells"] for one in done.lines("cells.jsonl")[0]["triggers"]}
    assert by_trigger == {"a birthday cake": [[0, 0]], "a barking dog": [[1, 0]], "heavy rain": [[0, 1]]}
    assert done.value() == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert done.lines("cells.jsonl")[1]["lost"] == [
        [["a birthday cake", "heavy rain"], ["a birthday cake", "a barking dog"]]
    ]


def test_the_whole_picture_is_asked_about_twice_in_the_same_words(records, tmp_path):
    done = sitting(tmp_path / "run", "jsonl", data=records, grid="1x2", limit=1)
    whole, again = (one for one in done.answerer.requests if len(seen(one)) == 3)
    assert {whole.ask.repeat, again.ask.repeat} == {0, 1000}
    assert (whole.ask.messages, whole.ask.gen) == (again.ask.messages, again.ask.gen)
    assert len(done.answerer.requests) == 4


def test_a_trigger_that_goes_by_itself_is_expected_to_go_in_many_cells(records, tmp_path):
    """Asked again, the model forgets the cake of one picture of two: 1 of 6 triggers, so 1 - (5/6)^4 of four cells."""

    def forgets(request):
        forgotten = {"a birthday cake"} if request.ask.repeat and ground(request) == 100 else set()
        return listed([one for one in seen(request) if one not in forgotten])

    done = sitting(tmp_path / "run", "jsonl", forgets, data=records, grid="2x2")
    grid = done.summary["grid"]
    assert grid["lost_again"]["value"] == pytest.approx(1 / 6)
    assert grid["expected"] == pytest.approx(1 - (5 / 6) ** 4)
    assert grid["again"]["value"] == pytest.approx(1 / 6)
    assert grid["lost_in_any_cell"]["value"] == 1
    assert done.value() == pytest.approx(1 / 4)  # the cells know nothing of it


def test_where_nobody_answered_again_chance_is_not_known(records, tmp_path):
    def fails(request):
        if request.ask.repeat and ground(request) == 100:
            raise CallFailed("timeout", "too slow", again=False)
        return listed(seen(request))

    done = sitting(tmp_path / "run", "jsonl", fails, data=records, grid="1x2")
    assert done.value() == 1 / 2  # that is about cells
    grid = done.summary["grid"]
    assert (grid["lost_in_any_cell"]["n"], grid["lost_again"]["n"], grid["again"]["n"]) == (3, 3, 3)
    assert grid["again"]["bounds"] == [0, 1 / 2]
    one = sitting(tmp_path / "one", "jsonl", fails, data=records, grid="1x2", limit=1)
    assert (one.summary["grid"]["lost_again"], one.summary["grid"]["expected"]) == (None, None)


def test_an_unknown_cell_leaves_its_triggers_out_with_bounds(records, tmp_path):
    """Of the first picture, the answer with the rain blurred is not there: 3 of 6 triggers."""

    def fails(request):
        if "a birthday cake" in seen(request) and "heavy rain" not in seen(request) and ground(request) == 100:
            raise CallFailed("timeout", "too slow", again=False)
        return listed(seen(request))

    done = sitting(tmp_path / "run", "jsonl", fails, data=records, grid="2x2")
    assert done.summary["unscored"] == {"timeout": 3}
    one = done.summary["causal_sensitivity"]["overall"]
    assert one["value"] == pytest.approx(1 / 4)
    # of the first picture: cake and dog 1/4 or 2/4, rain 0 or 1/4; of the second 1/4 each
    assert one["bounds"] == pytest.approx([(1 / 4 + 1 / 4 + 0 + 3 / 4) / 6, (2 / 4 + 2 / 4 + 1 / 4 + 3 / 4) / 6])
    rain = done.lines("cells.jsonl")[0]["triggers"][2]
    assert rain["cells"] == [[1, 1], [None, 1]]
    assert (rain["drop"], rain["largest"]) == (None, {"cell": [1, 1], "drop": 0})


def ground(request):
    (loaded,) = request.pictures.values()
    return Image.open(io.BytesIO(base64.b64decode(loaded.base64))).convert("RGB").getpixel((59, 39))[0]


def test_two_records_may_show_one_picture(records, tmp_path):
    lines = (records / "r.jsonl").read_text().splitlines()
    (records / "r.jsonl").write_text(lines[0] + "\n" + lines[0].replace('"id": "p0"', '"id": "again"') + "\n")
    done = sitting(tmp_path / "run", "jsonl", data=records, grid="1x2")
    assert len(list((tmp_path / "run" / "changed").iterdir())) == 3
    assert len(done.answerer.requests) == 4  # equal asks are one call
    one = done.summary["causal_sensitivity"]["overall"]
    assert (one["value"], one["low"], one["why"]) == (1 / 2, None, "fewer than two pictures")


def test_records_without_a_picture_are_passed_over(records, tmp_path):
    with (records / "r.jsonl").open("a") as file:
        row = {"id": "t", "question": "Why sad?", "emotion": "sad", "triggers": ["heavy rain"]}
        file.write(json.dumps(row) + "\n")
    done = sitting(tmp_path / "run", "jsonl", data=records, grid="1x2")
    assert done.summary["scenes"] == 2
    assert any("1 samples" in note or "1 sample" in note for note in done.watch.notes)
