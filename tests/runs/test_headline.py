"""When a headline may stand."""

from __future__ import annotations

import pytest

from whyfeel.runs.headline import headline

SOUND = {"stuff": {"kf1": 0.0}, "oracle": {"kf1": 0.98}}


def test_it_stands_between_sound_controls() -> None:
    assert headline("kf1", 0.3, SOUND, 0, 28) == {"score": "kf1"}


def test_without_controls_only_canaries_speak() -> None:
    assert headline("kf1", -0.2, {}, 0, 0) == {"score": "kf1"}
    assert "1 of 28 canaries" in headline("kf1", 0.9, {}, 1, 28)["refused"]


@pytest.mark.parametrize(
    ("value", "controls", "why"),
    [
        (0.3, {**SOUND, "stuff": {"kf1": 0.3}}, "common triggers scores 0.300, the model 0.300"),
        (-0.0001, {**SOUND, "stuff": {"kf1": 0.0}}, "common triggers scores 0.000, the model 0.000"),
        (0.3, {**SOUND, "oracle": {"kf1": 0.8999}}, "itself scores 0.900, less than 0.9"),
        (0.3, {**SOUND, "stuff": {"kf1": None}}, "the control stuff could not be judged"),
        (0.3, {**SOUND, "oracle": {}}, "the control oracle could not be judged"),
    ],
)
def test_it_is_refused(value: float, controls: dict[str, dict[str, float | None]], why: str) -> None:
    said = headline("kf1", value, controls, 0, 28)
    assert list(said) == ["refused"]
    assert why in said["refused"]


def test_the_rules_look_at_the_headline_score_alone() -> None:
    controls = {"stuff": {"kf1": 0.0, "recall": 0.9}, "oracle": {"kf1": 0.95, "recall": 0.1}}
    assert headline("kf1", 0.2, controls, 0, 0) == {"score": "kf1"}


def test_an_oracle_of_exactly_nine_tenths_passes() -> None:
    assert headline("kf1", 0.2, {**SOUND, "oracle": {"kf1": 0.9}}, 0, 0) == {"score": "kf1"}


def test_a_model_without_a_score_is_not_below_stuffing() -> None:
    assert headline("kf1", None, SOUND, 0, 0) == {"score": "kf1"}
