from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.claims import Clause, Statement, content_stems, trigger_stems
from whyfeel.judging.foils import Foils
from whyfeel.judging.matching import LEXICAL
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.records import Judgement, Response, Sample, Trigger, json_line, rng


@pytest.fixture
def verdict(drive):
    def run(judge, sample, text):
        judgement, asks = drive(judge.judge(sample, Response(sample.id, text)))
        assert asks == []
        return judgement

    return run


@pytest.fixture
def party(make_sample):
    return make_sample("Smiling friends", "A birthday cake", "Colourful balloons on the wall")


def test_a_verdict_by_hand(verdict, party):
    got = verdict(OverlapJudge([party]), party, "Friends who smile, a clown, and a cake for her birthday.")
    assert got == Judgement(
        party.id,
        {
            "correct": 2,
            "total": 3,
            "claims": 3,
            "precision": 2 / 3,
            "recall": 2 / 3,
            "f1": 2 / 3,
            "unsupported": 1 - 2 / 3,
            "contradicted": 0,
            "leaked": 0,
            "f1_unleaked": 2 / 3,
            "recall_unleaked": 2 / 3,
            "precision_unleaked": 2 / 3,
        },
        {
            "matched": [[0, "Friends who smile", 1.0], [1, "a cake for her birthday", 1.0]],
            "unsupported": ["a clown"],
        },
    )


def test_a_clause_names_one_trigger_only(verdict, make_sample):
    sample = make_sample("smiling friends", "friends smiling")
    judge = OverlapJudge([sample])
    assert verdict(judge, sample, "Smiling friends").counts["correct"] == 1
    twice = verdict(judge, sample, "Smiling friends. Friends smiling. Smiling friends.")
    counted = {"correct": 2, "total": 2, "claims": 3, "precision": 2 / 3, "recall": 1, "f1": 0.8}
    assert {name: twice.counts[name] for name in counted} == counted
    assert twice.counts["unsupported"] == pytest.approx(1 / 3)
    # of equal clauses the earlier ones count, in the annotation's order
    assert twice.detail["matched"] == [[0, "Smiling friends", 1.0], [1, "Friends smiling", 1.0]]


def test_a_trigger_of_several_clauses_is_one_claim(verdict, make_sample):
    sample = make_sample("A ring, roses, and a kneeling man", "A crowd")
    got = verdict(OverlapJudge([sample]), sample, "1. A ring, roses, and a kneeling man\n2. A crowd")
    assert got.counts["f1"] == 1
    assert got.detail["unsupported"] == []


def test_punctuation_does_not_make_an_enumeration_cheaper(verdict, party):
    judge = OverlapJudge([party])
    items = ["smiling friends", "a clown", "a horse", "loud music", "a birthday cake", "rain"]
    run_on = verdict(judge, party, "The reasons might be " + ", ".join(items) + ".")
    listed = verdict(judge, party, "\n".join(f"{n}) {item}" for n, item in enumerate(items, 1)))
    assert run_on.counts == listed.counts
    assert listed.counts["claims"] == 6
    assert listed.counts["correct"] == 2


def test_a_clause_elaborates_where_half_its_weight_was_named(verdict, make_sample):
    """Of stems of one weight: half is enough, a third is not; and only of what its own statement named."""
    sample = make_sample("rain and a lost dog", "a broken vase")
    judge = OverlapJudge([sample, make_sample("deep puddles")])
    left = lambda text: verdict(judge, sample, text).detail["unsupported"]  # noqa: E731
    assert left("A lost dog, and rain in puddles.") == []
    assert left("A lost dog, and rain in deep puddles.") == ["rain in deep puddles"]
    assert left("A lost dog. Rain in puddles.") == ["Rain in puddles"]


def test_an_announcement_and_a_label_cost_nothing(verdict, party):
    text = "Here is what delights the girl in this picture:\n- **Sweets**: a birthday cake"
    assert verdict(OverlapJudge([party]), party, text).counts["claims"] == 1


@pytest.mark.parametrize("text", ["", "  \n", "🎉🎉", "It is difficult to say.", "...", "{score: 5/5}"])
def test_an_answer_without_claims_scores_nothing(verdict, party, text):
    got = verdict(OverlapJudge([party]), party, text)
    assert got.counts["total"] == 3
    assert all(value == 0 for name, value in got.counts.items() if name != "total")
    assert got.detail == {"matched": [], "unsupported": []}
    assert got.unscored is None


def test_another_script_is_read_and_matches_its_own_words(verdict, make_sample):
    sample = make_sample("蛋糕", "朋友")
    got = verdict(OverlapJudge([sample]), sample, "蛋糕，气球。")
    assert got.counts["correct"] == 1
    assert got.detail["unsupported"] == ["气球"]


def test_weights_enter_recall_and_not_precision(verdict, party):
    weighted = replace(party, triggers=tuple(map(Trigger, [t.text for t in party.triggers], [0.5, 3, 1.5])))
    got = verdict(OverlapJudge([party]), weighted, "Friends who smile, a clown, and a cake for her birthday.")
    assert (got.counts["correct"], got.counts["total"]) == (3.5, 5)
    assert (got.counts["recall"], got.counts["precision"]) == (0.7, 2 / 3)
    assert got.counts["f1"] == pytest.approx(2 * 0.7 * (2 / 3) / (0.7 + 2 / 3))


def test_equal_weights_write_the_very_same_line(verdict, party):
    text = "Friends who smile, a clown, and a cake for her birthday."
    doubled = replace(party, triggers=tuple(Trigger(t.text, 2.0) for t in party.triggers))
    one, two = (verdict(OverlapJudge([party]), sample, text) for sample in (party, doubled))
    assert json_line(one.to_json()) == json_line(two.to_json()).replace(
        '"correct": 4, "total": 6', '"correct": 2, "total": 3'
    )


def test_a_sample_without_triggers_is_unscored(verdict, make_sample):
    got = verdict(OverlapJudge([]), make_sample(), "cake")
    assert got.unscored is not None
    assert got.unscored.reason == "no triggers"


@given(st.text())
def test_any_answer_gets_a_verdict(text):
    got = judged(CAKES, CAKES_ASKED, f"{text}\ncake\n{text}")
    assert 1 <= len(got.detail["matched"]) <= 2
    assert all(LEXICAL < similarity <= 1 for _, _, similarity in got.detail["matched"])
    assert all(0 <= value <= 1 for name, value in got.counts.items() if name not in {"correct", "total", "claims"})
    assert got.counts["claims"] == len(got.detail["matched"]) + len(got.detail["unsupported"])


def judged(judge, sample, text):
    with pytest.raises(StopIteration) as stop:
        next(judge.judge(sample, Response(sample.id, text)))
    return stop.value.value


CAKES_ASKED = Sample("s", "Why?", "happy", (Trigger("cake"), Trigger("a friend's cake")), (), "s")
CAKES = OverlapJudge([CAKES_ASKED])


def test_synonyms_match_and_the_similarity_is_told(verdict, make_sample):
    sample = make_sample("A grin", "A loud quarrel", "Rain")
    got = verdict(OverlapJudge([sample]), sample, "She smiles. There is a noisy argument! The weather.")
    assert [row[:2] for row in got.detail["matched"]] == [[0, "She smiles"], [1, "There is a noisy argument"]]
    assert got.detail["matched"][0][2] == 0.8
    assert got.detail["unsupported"] == ["The weather"]


# Polarity.


@pytest.mark.parametrize(
    ("trigger", "answer", "flagged"),
    [
        ("Smiling friends", "Friends who are not smiling", True),
        ("Smiling friends", "Friends who aren\u2019t smiling", True),
        ("Nobody smiles", "She smiles", True),
        ("Nobody smiles", "She never smiles", False),
        ("Smiling friends", "Friends who smile", False),
        ("Smiling friends", "Not a cake. Friends who smile", False),
        ("Smiling friends", "Friends who smile at a knot", False),
    ],
)
def test_words_of_the_other_polarity_match_and_are_flagged(verdict, make_sample, trigger, answer, flagged):
    sample = make_sample(trigger, "Rain")
    got = verdict(OverlapJudge([sample, make_sample("Snow", "Hail")]), sample, answer)
    assert [row[0] for row in got.detail["matched"]] == [0]
    assert got.counts["contradicted"] == (0.5 if flagged else 0)
    assert got.detail.get("flagged") == ([0] if flagged else None)


# What the question gives away.


def test_triggers_that_the_question_gives_away_by_hand(verdict, party):
    asked = replace(party, question="Why is the girl with the birthday cake happy?")
    got = verdict(OverlapJudge([party]), asked, "Her birthday cake. Friends who smile. A clown.")
    assert got.detail["leaked"] == [1]
    counted = {"correct": 2, "total": 3, "claims": 3, "f1": 2 / 3, "leaked": 1}
    assert {name: got.counts[name] for name in counted} == counted
    # the cake leaves both sums: one of two triggers, by two claims
    rest = {"recall_unleaked": 1 / 2, "precision_unleaked": 1 / 2, "f1_unleaked": 1 / 2}
    assert {name: got.counts[name] for name in rest} == rest


def test_a_question_that_gives_all_away_leaves_nothing_to_score(verdict, make_sample):
    sample = replace(make_sample("A birthday cake"), question="Why the birthday cake?")
    got = verdict(OverlapJudge([sample]), sample, "A birthday cake")
    assert got.counts["f1"] == 1
    assert got.counts["leaked"] == 1
    foil = replace(make_sample("A puppy", image="2"), question="")
    held = verdict(OverlapJudge([sample, foil], Foils([sample, foil], "emotion", 20, 0)), sample, "A puppy")
    assert held.counts["chance"] == 1
    for one in (got, held):
        assert [name for name in one.counts if name.endswith("unleaked")] == []


def test_an_echo_of_the_question_earns_nothing_beyond_what_it_gives_away(verdict, released):
    judge = OverlapJudge(released, Foils(released, "emotion", 20, 0))
    told = [verdict(judge, s, s.question) for s in released[::16]]
    assert sum(one.counts["f1"] for one in told) > 10
    for one in told:
        assert one.counts.get("recall_unleaked", 0) == 0
        assert one.counts.get("chance_unleaked", 0) == 0


# Foils.


@pytest.fixture
def foiled(make_sample):
    """A party, and three foils: two other parties with other triggers, and one of the other emotion."""
    samples = [
        make_sample("Smiling friends", "A birthday cake", image="1"),
        make_sample("A birthday cake", "A clown", "Loud music", image="2"),
        make_sample("A puppy", image="3"),
        make_sample("A broken vase", emotion="sad", image="4"),
    ]
    return samples, Foils(samples, "emotion", 20, 0)


def test_chance_is_the_mean_f1_against_the_foils_by_hand(verdict, foiled):
    samples, foils = foiled
    assert foils.places(samples[0]) == [1, 2]
    got = verdict(OverlapJudge(samples, foils), samples[0], "A birthday cake, and a clown.")
    # against the second sample: 2 of 3 triggers by 2 claims; against the third: nothing
    assert got.counts["f1"] == pytest.approx(1 / 2)
    assert got.counts["chance"] == pytest.approx((0.8 + 0) / 2)
    assert got.counts["chance_unleaked"] == got.counts["chance"]


def test_chance_leaves_out_what_this_question_gives_away(verdict, foiled):
    samples, foils = foiled
    asked = replace(samples[0], question="Why does the cake please her?")
    got = verdict(OverlapJudge(samples, foils), asked, "A birthday cake, and a clown.")
    assert got.detail["leaked"] == [1]
    assert got.counts["chance"] == pytest.approx(0.8 / 2)
    # the second sample has two triggers left, and one of them is named by the one claim that is left
    assert got.counts["chance_unleaked"] == pytest.approx((2 / 3 + 0) / 2)
    assert got.counts["f1_unleaked"] == 0
    puppy = replace(asked, question="Why does the puppy please her?")
    got = verdict(OverlapJudge(samples, foils), puppy, "A birthday cake, and a clown.")
    assert got.counts["chance"] == pytest.approx(0.8 / 2)
    assert got.counts["chance_unleaked"] == pytest.approx(0.8)  # the puppy's sample has nothing left


def test_weights_of_foils_enter_their_recall(verdict, foiled):
    samples, _ = foiled
    samples[1] = replace(samples[1], triggers=tuple(map(Trigger, ["A birthday cake", "A clown"], [3.0, 1.0])))
    got = verdict(OverlapJudge(samples, Foils(samples, "emotion", 20, 0)), samples[0], "A birthday cake.")
    assert got.counts["chance"] == pytest.approx((2 * 0.75 / 1.75 + 0) / 2)


def test_a_sample_without_foils_has_no_chance(verdict, make_sample):
    alone = make_sample("A birthday cake")
    for foils in (None, Foils([alone], "emotion", 20, 0)):
        got = verdict(OverlapJudge([alone], foils), alone, "A cake")
        assert got.counts["f1"] == 1
        assert {"chance", "chance_unleaked"}.isdisjoint(got.counts)


def test_an_answer_without_claims_has_a_chance_of_nothing(verdict, foiled):
    samples, foils = foiled
    got = verdict(OverlapJudge(samples, foils), samples[0], "")
    assert (got.counts["chance"], got.counts["chance_unleaked"]) == (0, 0)


def test_foils_are_scored_as_the_foil_itself_would_be(verdict, released):
    """One pass over all triggers gives what a pass for each would."""
    foils = Foils(released, "emotion", 6, 0)
    judge, plain = OverlapJudge(released, foils), OverlapJudge(released)
    generator = rng(0, "answers")
    for sample in released[::100]:
        lines = [t.text for n in generator.integers(len(released), size=3) for t in released[n].triggers]
        text = f"{', and '.join(lines[:6])}. Perhaps {'. '.join(lines[6:])}."
        got = verdict(judge, sample, text)
        asked = [replace(released[place], question=sample.question) for place in foils.places(sample)]
        each = [verdict(plain, one, text).counts for one in asked]
        assert got.counts["chance"] == pytest.approx(np.mean([one["f1"] for one in each]), abs=1e-12)
        rest = [one["f1_unleaked"] for one in each if "f1_unleaked" in one]
        if "f1_unleaked" in got.counts:
            assert got.counts["chance_unleaked"] == pytest.approx(np.mean(rest), abs=1e-12)
        own = verdict(plain, sample, text)
        assert own.counts.items() <= got.counts.items()
        assert own.detail == got.detail


# With an embedder.


def test_an_embedder_decides_matches_and_the_note_says_so(verdict, foiled):
    samples, foils = foiled
    near = {"A canine": (1.0, 0.0), "A puppy": (0.9, math.sqrt(1 - 0.81))}
    asked = []

    def embed(texts):
        asked.append(texts)
        return np.array([near.get(text, (-1.0, 0.0)) for text in texts], np.float32)

    judge = OverlapJudge(samples, foils, embed=embed)
    got = verdict(judge, samples[2], "A canine")
    assert [row[:2] for row in got.detail["matched"]] == [[0, "A canine"]]
    assert got.counts["f1"] == 1
    assert len(asked) == 1  # spans, own triggers and foils at once
    assert "sentence embeddings" in judge.note
    assert "sentence embeddings" not in OverlapJudge(samples).note


def test_the_note_tells_what_it_is():
    note = OverlapJudge([]).note
    for words in ("not verification", "cannot see a negation", "not annotated counts as unsupported"):
        assert words in note


def test_tally_has_the_scores_of_its_counts(verdict, foiled):
    samples, foils = foiled
    judge = OverlapJudge(samples, foils)
    tally = judge.tally()
    tally.add(samples[0], verdict(judge, samples[0], "A birthday cake, and a clown."))
    values = {s.name: s.numerator.item() for s in tally.series()}
    assert values["kf1"] == values["f1"] == 0.5
    assert values["unsupported"] == 0.5
    assert values["contradicted"] == 0


PROGRAM = """
import json, sys
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.records import Response, Sample, Trigger
texts = json.load(sys.stdin)
samples = [Sample(str(n), "", "", tuple(map(Trigger, t)), (), str(n)) for n, t in enumerate(texts)]
judge = OverlapJudge(samples)
for one, other in zip(samples, samples[1:]):
    judging = judge.judge(one, Response(one.id, ", ".join(t.text for t in other.triggers)))
    try:
        next(judging)
    except StopIteration as stop:
        print(json.dumps(stop.value.to_json()))
"""


def test_the_verdicts_do_not_depend_on_the_hash_seed(released):
    texts = json.dumps([[t.text for t in s.triggers] for s in released[:200]])
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=texts,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    (output,) = printed
    assert len(output.splitlines()) == 199
    assert '"matched": [[' in output


def test_the_threshold_lets_one_in_twenty_pairs_pass(shared, released):
    """Its rule: of claims held against triggers of other pictures with the same emotion, 5% match."""
    challenge = json.loads((shared / "prototype" / "challenge_half.json").read_text(encoding="utf-8"))
    judge = OverlapJudge(released)
    passed, pairs = 0, 0
    for record in challenge:
        others = [s for s in released if s.emotion == record["emo"] and s.id != record["id"]]
        for text in record["para"]:
            drawn = [others[n] for n in rng(0, "pairs", record["id"], text).integers(len(others), size=20)]
            stems = content_stems(text) or trigger_stems(text)
            clause = Clause(text, stems, trigger_stems(text) - stems)
            for other in drawn:
                alone = replace(other, triggers=other.triggers[:1])
                passed += judge.verdict(alone, [Statement((clause,), ())]).counts["recall"] == 1
                pairs += 1
    assert pairs > 1300
    assert 0.03 < passed / pairs < 0.07
