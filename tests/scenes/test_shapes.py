import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.scenes.shapes import STEPS, Shape, parse_shape, smooth

numbers = st.floats(-100, 100, allow_nan=False)
points = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8)


def test_a_shape_is_a_line_of_text():
    assert parse_shape("box -1 -2 3 4.5 red") == Shape("box", ((-1.0, -2.0), (3.0, 4.5)), "red")
    assert parse_shape("line 0.8 1 2 3 4 ink") == Shape("line", ((1.0, 2.0), (3.0, 4.0)), "ink", 0.8)
    assert parse_shape("curve 1 0 0 6 0 ink").op == "line"
    assert parse_shape("blob 0 0 6 0 6 6 ink").op == "poly"


@pytest.mark.parametrize(
    "text", ["circle 0 0 1 1 red", "oval 0 0 1 red", "poly 1 2 red", "oval 0 0 a b red", "red", ""]
)
def test_what_is_no_shape_is_refused(text: str):
    with pytest.raises(ValueError, match=r"expected|convert|values"):
        parse_shape(text)


@settings(max_examples=30)
@given(points)
def test_a_curve_runs_through_its_points_from_end_to_end(knots: list[tuple[float, float]]):
    curve = smooth(knots)
    assert sum(curve[::STEPS], ()) == pytest.approx(sum(knots, ()))
    assert len(curve) == STEPS * (len(knots) - 1) + 1


@settings(max_examples=30)
@given(points)
def test_a_closed_curve_runs_through_its_points_and_ends_before_the_first(knots: list[tuple[float, float]]):
    curve = smooth(knots, closed=True)
    assert sum(curve[::STEPS], ()) == pytest.approx(sum(knots, ()))
    assert len(curve) == STEPS * len(knots)


def test_a_curve_is_the_spline_of_catmull_and_rom():
    # half way between 1 and 2 of the knots 0, 1, 2, 4: (-0 + 9*1 + 9*2 - 4) / 16
    curve = smooth([(0, 0), (1, 0), (2, 0), (4, 0)])
    assert curve[STEPS + STEPS // 2][0] == pytest.approx(23 / 16)
