"""Metrics and judges beside the votes of a study: scikit-learn, scipy and loops over what was displayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simulated import LENIENT, answered, collect, displayed, make_design, simulate, unblinded

from whyfeel.errors import UserError
from whyfeel.records.ids import text_id
from whyfeel.stats.meta import chosen
from whyfeel.stats.resampling import Bootstrap
from whyfeel.study.collected import Collected
from whyfeel.study.design import SKIP, Design, Key, Source
from whyfeel.study.meta import meta_study
from whyfeel.study.meta_runs import Measure, MeasuredRun

FEW = Bootstrap(0, 200)
NOISE = np.random.default_rng(3)


def texts_of(design: Design, system: int) -> dict[str, str]:
    return {item.sample: one.text for item in design.items for one in item.candidates if one.system == system}


def run_of(design: Design, system: int, measures: Mapping[str, Any], **changed: Any) -> MeasuredRun:
    """The run of a system; its measures are values by sample, or measures."""
    made = {name: one if isinstance(one, Measure) else Measure(name, "metric", one) for name, one in measures.items()}
    run = MeasuredRun(Path(f"run{system}"), f"digest{system}", texts_of(design, system), made)
    return replace(run, **changed)


def key_of(design: Design, *people: int) -> Key:
    sources = {
        n: Source("human", "human", "", "") if n in people else Source(f"model{n} direct", "run", f"r{n}", f"digest{n}")
        for n in design.systems
    }
    return Key(design.digest, sources)


def drawn(design: Design, collected: Collected, system: int, strength: float) -> dict[str, float]:
    """Values of a system's texts that rise with how often they are preferred."""
    wins = {item.sample: 0.0 for item in design.items}
    for sample, signs, _ in told(design, collected, system):
        wins[sample] += signs
    return {sample: round(strength * won + float(NOISE.normal()), 1) for sample, won in wins.items()}


def told(design: Design, collected: Collected, a: int) -> list[tuple[str, int, str]]:
    """Sample, 1 for A, -1 for B, 0 for neither, and what was said; from what was displayed."""
    found = []
    for trial in collected.trials:
        item = next(one for one in design.items if one.id == trial.item)
        left, right = item.candidates[::-1] if trial.swapped else item.candidates
        taken = {"left": left.system, "right": right.system}.get(trial.answer)
        said = trial.answer if taken is None else "A" if taken == a else "B"
        found.append((item.sample, {"A": 1, "B": -1}.get(said, 0), said))
    return found


@pytest.fixture(scope="module")
def study() -> tuple[Design, Collected]:
    design = make_design(items=30, a_picture=2)
    return design, simulate(design, 1, spread=0.4)


@pytest.mark.parametrize("first", [1, 2])
def test_two_runs_as_scikit_learn_and_scipy_have_it(study: tuple[Design, Collected], first: int) -> None:
    design, collected = study
    ones, others = drawn(design, collected, first, 0.5), drawn(design, collected, 3 - first, 0.5)
    lacking = list(others)[5]
    runs = [
        run_of(design, first, {"m": ones}),
        run_of(design, 3 - first, {"m": {sample: one for sample, one in others.items() if sample != lacking}}),
    ]
    [part] = meta_study(design, collected, key_of(design), runs, FEW)["parts"]
    rows = [(ones[s] - others[s], sign, said) for s, sign, said in told(design, collected, first) if s != lacking]
    values, signs = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = part["measures"]["m"]
    assert (part["a"], part["votes"]) == (f"model{first} direct", 90)
    assert (found["n"], found["decided"], found["left_out"]) == (87, (signs != 0).sum(), {"no value": 3})
    assert found["auc"]["value"] == pytest.approx(
        sklearn.metrics.roc_auc_score(signs[signs != 0] > 0, values[signs != 0])
    )
    assert found["kendall"]["value"] == pytest.approx(scipy.stats.kendalltau(values, signs).statistic)
    # whole pictures are drawn, each of two items
    pictures = [one.cluster for one in (design.by_id[trial.item] for trial in collected.trials)]
    every = [ones[s] - others[s] if s != lacking else np.nan for s, _, _ in told(design, collected, first)]
    choices: list[Any] = [said for _, _, said in told(design, collected, first)]
    held = chosen(np.array(every), choices, replace(FEW, clusters=pictures))
    assert (found["auc"], found["kendall"]) == (held.auc.to_json(), held.kendall.to_json())
    hits = [0.5 if v == 0 else v * s > 0 for v, s in zip(values, signs, strict=True) if s]
    assert found["accuracy"]["value"] == pytest.approx(np.mean(hits))
    for choice, one in found["means"].items():
        assert one["value"] == pytest.approx(np.mean([value for value, _, said in rows if said == choice]))
        assert one["low"] < one["value"] < one["high"]
    assert part["choices"] == {
        said: [s for _, _, s in told(design, collected, first)].count(said) for said in part["choices"]
    }
    assert (found["kind"], found["both_sides"], found["verdict"]) == ("metric", True, "tracks people")


def test_beside_people_a_metric_is_of_the_run_alone(study: tuple[Design, Collected]) -> None:
    design, collected = study
    values = drawn(design, collected, 2, 0.5)
    document = meta_study(design, collected, key_of(design, 1), [run_of(design, 2, {"m": values})], FEW)
    [part] = document["parts"]
    rows = [(values[sample], sign) for sample, sign, _ in told(design, collected, 2) if sign]
    found = part["measures"]["m"]
    auc = sklearn.metrics.roc_auc_score([sign > 0 for _, sign in rows], [value for value, _ in rows])
    assert (part["a"], part["b"], found["both_sides"]) == ("model2 direct", "human", False)
    assert found["auc"]["value"] == pytest.approx(auc)
    assert found["accuracy"] == {
        "value": None,
        "low": None,
        "high": None,
        "why": "undefined (only one of the two answers was measured)",
    }
    assert (document["kind"], document["votes"], document["votes_aside"], document["raters"]) == ("pairwise", 90, 0, 5)


def test_values_are_of_the_very_texts_that_were_shown(study: tuple[Design, Collected]) -> None:
    design, collected = study
    samples = [item.sample for item in design.items]
    texts: dict[str, str | None] = dict(texts_of(design, 1))
    texts[samples[0]] = "another answer"
    texts[samples[1]] = None
    del texts[samples[2]]
    texts[samples[3]] = f"  {texts[samples[3]]}\n".replace(" ", "  ")
    values = {sample: float(place) for place, sample in enumerate(samples) if place != 4}
    run = run_of(design, 1, {"m": values}, texts=texts)
    [part] = meta_study(design, collected, key_of(design, 2), [run], FEW)["parts"]
    found = part["measures"]["m"]
    assert found["left_out"] == {"another text was shown": 3, "no answer": 6, "no value": 3}
    assert found["n"] == 90 - 12


def beside(design: Design, system: int, counts: Mapping[str, float], texts: Mapping[str, str]) -> Measure:
    ids = {sample: text_id(text.encode("utf-8", "backslashreplace").decode()) for sample, text in texts.items()}
    return Measure("pairwise-1:won-lost", "judge", counts, ids)


def test_the_pairwise_judge_is_a_difference_by_itself_where_it_saw_both_texts(
    study: tuple[Design, Collected],
) -> None:
    design, collected = study
    against = texts_of(design, 2)
    samples = list(against)
    won = {sample: (-1.0, 0.0, 1.0)[place % 3] for place, sample in enumerate(samples)}
    other = {**against, samples[0]: "what it saw instead"}
    one_sided = run_of(design, 1, {"j": beside(design, 1, won, other)})
    [part] = meta_study(design, collected, key_of(design, 2), [one_sided], FEW)["parts"]
    rows = [(won[s], sign) for s, sign, _ in told(design, collected, 1) if s != samples[0]]
    found = part["measures"]["j"]
    assert (found["both_sides"], found["left_out"]) == (True, {"judged beside another text": 3})
    assert found["kendall"]["value"] == pytest.approx(scipy.stats.kendalltau(*zip(*rows, strict=True)).statistic)
    assert found["accuracy"]["value"] is not None
    # the same judge of the other run: what it says is turned round
    turned = run_of(design, 2, {"j": beside(design, 2, {s: -v for s, v in won.items()}, texts_of(design, 1))})
    for runs in ([run_of(design, 1, {}), turned], [one_sided, turned]):
        [part] = meta_study(design, collected, key_of(design), runs, FEW)["parts"]
        rows = [(won[s], sign) for s, sign, _ in told(design, collected, 1)]
        assert part["measures"]["j"]["left_out"] == {}
        tau = part["measures"]["j"]["kendall"]["value"]
        assert tau == pytest.approx(scipy.stats.kendalltau(*zip(*rows, strict=True)).statistic)


def test_the_other_raters_are_the_mean_of_the_others_on_the_item() -> None:
    design = make_design(items=3, votes=3)
    first, second, third = design.items
    said = [(first, "A"), (first, "A"), (first, "B"), (second, "both bad"), (second, "B"), (third, "A")]
    trials = [
        answered(rater, 1, item.id, displayed(item, choice, swapped=bool(rater % 2)), swapped=bool(rater % 2))
        for rater, (item, choice) in enumerate(said, 1)
    ]
    runs = [run_of(design, 1, {})]
    [part] = meta_study(design, collect(trials), key_of(design, 2), runs, FEW)["parts"]
    found = part["measures"]["the other raters"]
    # first: others of A, A, B are 0, 0, 1; second: of neither and B, -1 and 0; the third has no other
    assert {choice: one["value"] for choice, one in found["means"].items()} == {"A": 0.0, "B": 0.5, "both bad": -1.0}
    assert (found["n"], found["left_out"], found["kind"]) == (5, {"the item's only vote": 1}, "people")
    assert found["auc"]["value"] == pytest.approx((0.0 + 0.5 + 0.0 + 0.5) / 4)
    assert part["differences"] == {"of": "auc", "tested": 0, "apart": 0, "by_chance": 0.0, "pairs": []}


def test_every_two_measures_are_held_against_each_other(study: tuple[Design, Collected]) -> None:
    design, collected = study
    wins = drawn(design, collected, 1, 4.0)
    chance = {sample: float(NOISE.normal()) for sample in wins}
    measures = {"chance": chance, "good": wins, "bad": {sample: -value for sample, value in wins.items()}}
    document = meta_study(design, collected, key_of(design, 2), [run_of(design, 1, measures)], FEW)
    [part] = document["parts"]
    found = part["differences"]
    assert [(one["first"], one["second"]) for one in found["pairs"]] == [
        ("chance", "good"),
        ("chance", "bad"),
        ("good", "bad"),
    ]
    for one in found["pairs"]:
        apart = [part["measures"][one[side]]["auc"]["value"] for side in ("first", "second")]
        assert one["value"] == pytest.approx(apart[0] - apart[1])
    assert [one["high"] < 0 for one in found["pairs"]] == [True, False, False]
    assert (found["tested"], found["apart"], found["by_chance"]) == (3, 3, 0.15)
    verdicts = {name: part["measures"][name]["verdict"] for name in measures}
    assert verdicts == {
        "good": "tracks people",
        "chance": "cannot be told from chance",
        "bad": "tracks them the wrong way",
    }
    assert document["overview"]["verdicts"]["bad"]["tracks them the wrong way"] == 1
    assert document["overview"]["differences"] == {"tested": 3, "apart": 3, "by_chance": 0.15}


def test_three_systems_are_three_parts_and_votes_of_no_given_run_are_counted() -> None:
    design = make_design(items=12, systems=3, votes=2)
    collected = simulate(design, 2)
    three, one = (dict.fromkeys(texts_of(design, system), value) for system, value in ((3, 1.0), (1, 0.5)))
    runs = [run_of(design, 3, {"m": three, "n": {}}), run_of(design, 1, {"m": one})]
    document = meta_study(design, collected, key_of(design, 2), runs, FEW)
    assert [part["name"] for part in document["parts"]] == [
        "model3 direct / model1 direct",
        "model3 direct / human",
        "model1 direct / human",
    ]
    assert [part["votes"] for part in document["parts"]] == [8, 8, 8]
    assert document["parts"][0]["unmeasured"] == {"n": "not measured of model1 direct"}
    assert document["parts"][0]["measures"]["m"]["means"]["A"]["value"] == 0.5
    alone = meta_study(design, collected, key_of(design, 2), runs[:1], FEW)
    assert ([part["votes"] for part in alone["parts"]], alone["votes_aside"]) == ([8, 8], 8)
    other = replace(runs[1], measures={"m": replace(runs[1].measures["m"], rules="another checkpoint")})
    differs = meta_study(design, collected, key_of(design, 2), [runs[0], other], FEW)["parts"][0]
    assert differs["unmeasured"]["m"] == "measured of the two by other rules or checkpoints"


def test_who_does_not_count_and_what_is_no_vote() -> None:
    design = make_design(items=4, rules=replace(LENIENT, attention=0))
    item = design.items[0].id
    trials = [
        answered(1, 1, item, "left"),
        answered(1, 2, item, "right", swapped=True, role="repeat"),
        answered(1, 3, "0", "left", role="attention"),
        answered(1, 4, design.items[1].id, SKIP),
        answered(1, 5, design.items[2].id, ""),
        answered(2, 1, item, "left"),
        answered(3, 1, item, "left"),
        answered(3, 2, "0", "right", role="attention"),
    ]
    collected = unblinded(collect(trials, {2: "withdrawn"}), 0.0, 1)
    document = meta_study(design, collected, key_of(design, 2), [run_of(design, 1, {})], FEW)
    assert (document["votes"], document["raters"], document["excluded"]) == (1, 1, 2)
    assert document["unblinded"] == {"at": "1970-01-01T00:00:00+00:00", "votes": 1}


def test_mistakes_are_named(study: tuple[Design, Collected]) -> None:
    design, collected = study
    run = run_of(design, 1, {})
    strange = replace(run, responses="another", path=Path("elsewhere"))
    with pytest.raises(
        UserError, match=r"'elsewhere' is no run of this study: .* holds model1 direct \('r1'\), model2"
    ):
        meta_study(design, collected, key_of(design), [run, strange], FEW)
    with pytest.raises(UserError, match="holds no run, but people alone"):
        meta_study(design, collected, key_of(design, 1, 2), [run], FEW)
    with pytest.raises(UserError, match="'copy' and 'run1' hold the same answers"):
        meta_study(design, collected, key_of(design), [run, replace(run, path=Path("copy"))], FEW)
    with pytest.raises(UserError, match="no vote on a text of these runs yet"):
        meta_study(design, collect([]), key_of(design), [run], FEW)


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), TEXT, TEXT, st.sampled_from(["left", "right", "both good"])), min_size=2, max_size=6
    )
)
@example([(1.0, "\ud800\0<b>", "\u202e \udfff", "left"), (0.0, "a\n b", "", "right")])
def test_hostile_texts_and_turned_sources_change_nothing(rows: Sequence[tuple[float, str, str, str]]) -> None:
    design = make_design(items=len(rows))
    items = []
    for item, (_, one, other, _) in zip(design.items, rows, strict=True):
        by_system = {1: one, 2: other}
        items.append(replace(item, candidates=tuple(replace(c, text=by_system[c.system]) for c in item.candidates)))
    design = replace(design, items=tuple(items))
    trials = [answered(1, n, item.id, row[3]) for n, (item, row) in enumerate(zip(items, rows, strict=True), 1)]
    values = {item.sample: row[0] for item, row in zip(items, rows, strict=True)}
    zeros = dict.fromkeys(values, 0.0)
    judged = beside(design, 1, values, texts_of(design, 2))
    runs = [run_of(design, 1, {"m": values, "j": judged}), run_of(design, 2, {"m": zeros})]
    [part] = meta_study(design, collect(trials), key_of(design), runs, Bootstrap(0, 5))["parts"]
    [turned] = meta_study(design, collect(trials), key_of(design), runs[::-1], Bootstrap(0, 5))["parts"]
    for name in ("m", "j"):
        one, other = part["measures"][name], turned["measures"][name]
        assert (one["n"], one["left_out"]) == (len(rows), {})
        for coefficient in ("auc", "kendall", "accuracy"):
            wanted = one[coefficient]["value"]
            assert other[coefficient]["value"] == (None if wanted is None else pytest.approx(wanted))
        # a judge that compares says won less lost where a metric says A less B: the same figures
        assert {**one, "kind": ""} == {**part["measures"]["m"], "kind": ""}
