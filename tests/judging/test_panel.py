from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scripted_judge import converse, perfect, reply

from whyfeel.judging.panel import Panel
from whyfeel.judging.verdicts import nonce_of
from whyfeel.prompts import shipped_prompts
from whyfeel.records import Failure, Judgement, Response, Unscored
from whyfeel.stats.agreement import krippendorff

TEXTS = shipped_prompts()
ANSWER = "A cake. A clown. No friends."
MEMBERS = ("vllm:a", "vllm:b", "vllm:c")


@pytest.fixture
def party(make_sample):
    return make_sample("A birthday cake", "Friends around her")


def by_role(**writers):
    """One model a role: "judge", "judge_2", "judge_3"."""
    return lambda ask: writers[ask.role.replace("-", "_")](ask)


def says(*verdicts, claims=()):
    return lambda ask: reply(ask, verdicts, claims)


YES = says(("supported", "a cake"), ("absent", ""))
BOTH = says(("supported", "a cake"), ("contradicted", "no friends"), claims=["a clown"])
NO = says(("absent", ""), ("absent", ""), claims=["a clown"])
BAD = lambda ask: "no verdict"  # noqa: E731


def judged(sample, *rounds, members=MEMBERS, text=ANSWER, **options):
    return converse(Panel(members, TEXTS, **options).judge(sample, Response(sample.id, text)), *rounds)


def test_the_mean_over_the_members_by_hand(party):
    got, asks = judged(party, by_role(judge=YES, judge_2=BOTH, judge_3=NO))
    assert [ask.role for ask in asks] == ["judge", "judge-2", "judge-3"]
    assert len({str(ask.messages) for ask in asks}) == 1
    assert got.asks == ("key1", "key2", "key3")
    assert got.counts == pytest.approx(
        {
            "correct": (1 + 1 + 0) / 3,
            "total": 2,
            "claims": (1 + 3 + 1) / 3,
            "precision": (1 + 1 / 3 + 0) / 3,
            "recall": (1 / 2 + 1 / 2 + 0) / 3,
            "f1": (2 / 3 + 2 / 5 + 0) / 3,
            "contradicted": (0 + 1 / 2 + 0) / 3,
            "unsupported": (0 + 1 / 3 + 1) / 3,
            "leaked": 0,  # so that the same three scores hold without what is leaked
            "precision_unleaked": (1 + 1 / 3 + 0) / 3,
            "recall_unleaked": (1 / 2 + 1 / 2 + 0) / 3,
            "f1_unleaked": (2 / 3 + 2 / 5 + 0) / 3,
        }
    )
    assert [one["model"] for one in got.detail["members"]] == list(MEMBERS)
    assert [one["counts"]["f1"] for one in got.detail["members"]] == [2 / 3, 2 / 5, 0]
    assert json.loads(json.dumps(got.to_json())) == got.to_json() | {"asks": list(got.asks)}


def test_what_the_question_gives_away_is_left_out_by_every_member(party):
    """The cake is given away: of one trigger nothing is found, in no claim, in the two others' claims."""
    both = by_role(judge=YES, judge_2=BOTH, judge_3=says(("supported", "a cake"), ("supported", "no friends")))
    got, _ = judged(party, both, given_away=lambda question, gold: {0})
    assert got.counts["leaked"] == 1
    assert got.counts["recall_unleaked"] == (0 + 0 + 1) / 3
    assert got.counts["precision_unleaked"] == (0 + 0 + 1) / 3
    assert got.counts["recall"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert [one["detail"]["verdicts"][0]["leaked"] for one in got.detail["members"]] == [True] * 3


def test_nothing_is_left_over_where_the_question_gives_all_away(party):
    got, _ = judged(party, by_role(judge=YES, judge_2=BOTH, judge_3=NO), given_away=lambda question, gold: {0, 1})
    assert got.counts["leaked"] == 2
    assert not [name for name in got.counts if name.endswith("_unleaked")]


def test_retries_go_on_side_by_side(party):
    rounds = [
        by_role(judge=BAD, judge_2=YES, judge_3=BAD),
        by_role(judge=YES, judge_3=BAD),
        by_role(judge_3=NO),
    ]
    got, asks = judged(party, *rounds)
    assert [(ask.role, ask.repeat) for ask in asks] == [
        *(("judge", 0), ("judge-2", 0), ("judge-3", 0)),
        *(("judge", 1), ("judge-3", 1)),
        ("judge-3", 2),
    ]
    assert [one["detail"]["tries"] for one in got.detail["members"]] == [2, 1, 3]
    assert got.asks == ("key1", "key4", "key2", "key3", "key5", "key6")
    assert got.unscored is None


def test_a_member_that_cannot_judge_leaves_the_sample_unscored(party):
    got, _ = judged(party, by_role(judge=YES, judge_2=BAD, judge_3=NO))
    assert got.unscored == Unscored("panel: vllm:b unparsed", "no JSON object of the form asked for")
    assert got.counts == {}
    assert [one.get("unscored") is None for one in got.detail["members"]] == [True, False, True]
    assert len(got.asks) == 5


def test_a_member_whose_ask_fails_does_not_stop_the_others(party):
    failing = by_role(judge=lambda ask: Failure("timeout", "after 60 s"), judge_2=BAD, judge_3=NO)
    got, asks = judged(party, failing, by_role(judge_2=YES))
    assert got.unscored == Unscored("panel: vllm:a timeout", "after 60 s")
    assert [(ask.role, ask.repeat) for ask in asks][3:] == [("judge-2", 1)]
    assert got.detail["members"][1]["counts"]["recall"] == 1 / 2


def test_what_no_member_is_asked(party, make_sample):
    got, asks = judged(party, BAD, text=" ")
    assert asks == []
    assert (got.counts["f1"], got.counts["total"], got.unscored) == (0, 2, None)
    got, asks = judged(make_sample(), BAD)
    assert asks == []
    assert got.unscored.reason == "no triggers"


def test_the_members_see_the_same_prompt_with_the_pictures(party):
    look = lambda ask: reply(ask, [("absent", "")] * 2, [("a clown", "no" if ask.role == "judge" else "yes")])  # noqa: E731
    got, asks = judged(party, look, members=MEMBERS[:2], see_image=True, seed=3)
    assert [ask.pictures for ask in asks] == [party.media, party.media]
    assert got.counts["invented"] == 1 / 2
    assert nonce_of(3, ANSWER) in str(asks[1].messages)


def tallied(samples, judgements, members=MEMBERS):
    tally = Panel(members, TEXTS).tally()
    for sample, judgement in zip(samples, judgements, strict=True):
        tally.add(sample, judgement)
    return tally


def test_scores_and_facts_by_hand(party, make_sample):
    other = make_sample("A clown", name="other")
    clown, none = says(("supported", "a clown")), says(("absent", ""))
    judgements = [
        judged(party, by_role(judge=YES, judge_2=BOTH, judge_3=YES))[0],
        judged(other, by_role(judge=clown, judge_2=clown, judge_3=BAD))[0],
        judged(other, by_role(judge=clown, judge_2=none, judge_3=none))[0],
        Judgement(other.id, unscored=Unscored("timeout")),
        judged(party, BAD, text="")[0],
    ]
    judgements = [Judgement.from_json(json.loads(json.dumps(one.to_json()))) for one in judgements]
    tally = tallied([party, other, other, other, party], judgements)
    series = {one.name: one for one in tally.series()}
    assert next(iter(series)) == "kf1"
    recall = [1 / 2, math.nan, 1 / 3, math.nan, 0]
    np.testing.assert_allclose(series["recall"].numerator, recall)
    np.testing.assert_allclose(series["trigger_recall"].numerator, [1, math.nan, 1 / 3, math.nan, 0])
    assert series["trigger_recall"].denominator.tolist() == [2, 1, 1, 1, 2]
    panel = tally.facts()["panel"]
    first, second, third = panel["members"]
    assert [one["model"] for one in panel["members"]] == list(MEMBERS)
    assert [one["scored"] for one in panel["members"]] == [4, 4, 3]
    assert first["recall"] == (1 / 2 + 1 + 1 + 0) / 4
    assert first["trigger_recall"] == (1 + 1 + 1 + 0) / (2 + 1 + 1 + 2)
    assert second["contradicted"] == (1 / 2 + 0 + 0 + 0) / 4
    assert third["recall"] == pytest.approx((1 / 2 + 0 + 0) / 3)
    # four triggers, the third of which the third member did not judge
    ratings = np.array([[0, 0, 0], [2, 1, 2], [0, 0, math.nan], [0, 2, 2.0]])
    assert panel["agreement"] == {"n": 3, "exact": 1 / 3, "alpha": krippendorff(ratings).value}
    json.dumps(tally.facts(), allow_nan=False)


def test_facts_where_nothing_was_judged(party):
    for tally in (tallied([], []), tallied([party], [Judgement(party.id, unscored=Unscored("timeout"))])):
        panel = tally.facts()["panel"]
        why = "undefined (no item was rated twice)"
        assert panel["agreement"] == {"n": 0, "exact": None, "alpha": None, "why": why}
        assert panel["members"][0]["scored"] == 0
        assert panel["members"][0]["f1"] is None


def test_agreement_without_variation_is_undefined_and_says_so(party):
    panel = tallied([party], [judged(party, says(("absent", ""), ("absent", "")))[0]]).facts()["panel"]
    assert panel["agreement"] == {"n": 2, "exact": 1, "alpha": None, "why": "undefined (no variation)"}


def test_a_panel_of_truthful_judges_gives_the_annotation_full_marks(party):
    got, _ = judged(party, perfect, text="1. A birthday cake\n2. Friends around her")
    assert {got.counts[name] for name in ("f1", "recall", "precision")} == {1}
