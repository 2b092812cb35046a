from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.quotes import AnswerText
from whyfeel.judging.verdict_scores import quote_fault, score
from whyfeel.judging.verdict_text import Block, Claim, Verdict
from whyfeel.records import Trigger

ANSWER = AnswerText("A cake. A clown. No friends, no rain. A cake again. Snow")


def block(*verdicts, claims=()):
    return Block(
        tuple(Verdict(label, quote, "") for label, quote in verdicts),
        tuple(Claim(*one) if isinstance(one, tuple) else Claim(one, "") for one in claims),
    )


def triggers(*weights):
    return [Trigger(f"t{n}", weight) for n, weight in enumerate(weights)]


def test_scores_by_hand():
    judged = block(
        ("supported", "a clown"), ("absent", ""), ("contradicted", "no friends"), ("absent", "x"), claims=["snow"]
    )
    assert score(triggers(1, 1, 1, 1), judged, ANSWER).counts == {
        "correct": 1,
        "total": 4,
        "claims": 3,
        "precision": 1 / 3,
        "recall": 1 / 4,
        "f1": 2 / 7,
        "contradicted": 1 / 4,
        "unsupported": 1 / 3,
        "leaked": 0,  # so that the same three scores hold without what is leaked
        "precision_unleaked": 1 / 3,
        "recall_unleaked": 1 / 4,
        "f1_unleaked": 2 / 7,
    }


def test_weights_by_hand():
    judged = block(("supported", "a clown"), ("absent", ""), ("supported", "snow"), claims=["rain"])
    counts = score(triggers(0.5, 2.5, 1), judged, ANSWER).counts
    assert (counts["correct"], counts["total"]) == (1.5, 4)
    assert counts["recall"] == 3 / 8
    assert counts["precision"] == 2 / 3
    assert counts["f1"] == pytest.approx(2 * (3 / 8) * (2 / 3) / (3 / 8 + 2 / 3))


def test_a_quote_stands_for_one_trigger_the_heaviest():
    judged = block(("supported", "a clown"), ("supported", "“A CLOWN”"), ("supported", "clown."))
    found = score(triggers(1, 3, 1), judged, ANSWER)
    assert found.shared == (0,)
    assert (found.counts["correct"], found.counts["claims"], found.counts["precision"]) == (4, 2, 1)


def test_a_quote_stands_for_as_many_triggers_as_it_occurs_times():
    judged = block(*[("supported", "a cake")] * 3)
    found = score(triggers(1, 1, 1), judged, ANSWER)
    assert found.shared == (2,)
    assert (found.counts["correct"], found.counts["claims"]) == (2, 2)


def test_contradictions_are_counted_by_trigger_and_charged_by_quote():
    judged = block(("contradicted", "no friends"), ("contradicted", "No friends!"), ("supported", "snow"))
    counts = score(triggers(1, 1, 1), judged, ANSWER).counts
    assert (counts["contradicted"], counts["claims"], counts["precision"]) == (2 / 3, 2, 1 / 2)


def test_a_claim_is_charged_once_and_not_beside_its_own_verdict():
    judged = block(
        ("supported", "a clown"), ("contradicted", "no friends"), claims=["clown", "Clown", "No friends", "a clown"]
    )
    counts = score(triggers(1, 1), judged, ANSWER).counts
    assert (counts["claims"], counts["unsupported"]) == (3, 1 / 3)


def test_the_quote_of_an_absent_trigger_means_nothing():
    judged = block(("absent", "snow"), claims=["snow"])
    assert score(triggers(1), judged, ANSWER).counts["unsupported"] == 1


def test_an_invention_is_a_claim_that_is_not_seen():
    claims = [("a clown", "", "no"), ("rain", "", "yes"), ("snow", "", "unclear")]
    judged = block(("supported", "a cake"), claims=claims)
    counts = score(triggers(1), judged, ANSWER, look=True).counts
    assert (counts["unsupported"], counts["invented"]) == (3 / 4, 1 / 4)
    assert "invented" not in score(triggers(1), judged, ANSWER).counts


def test_no_claim_at_all():
    assert score(triggers(2, 1), block(("absent", ""), ("absent", "")), ANSWER, look=True).counts == {
        "correct": 0,
        "total": 3,
        "claims": 0,
        "precision": 0,
        "recall": 0,
        "f1": 0,
        "contradicted": 0,
        "unsupported": 0,
        "invented": 0,
        "leaked": 0,
        "precision_unleaked": 0,
        "recall_unleaked": 0,
        "f1_unleaked": 0,
    }


LEAKING = block(
    *(("supported", "a clown"), ("supported", "snow"), ("contradicted", "no friends"), ("contradicted", "no rain")),
    claims=["a cake"],
)


@pytest.mark.parametrize(
    ("leaked", "recall", "precision"),
    [
        # weights 1, 3, 1, 1; five claims: one a trigger, and the cake
        ({0}, 3 / 5, 1 / 4),  # its trigger and its claim are out
        ({1}, 1 / 3, 1 / 4),
        ({2}, 4 / 5, 2 / 4),  # the claim that denied it too
        ({0, 1}, 0, 0),
        ({2, 3}, 1, 2 / 3),
        ({1, 2, 3}, 1, 1 / 2),
    ],
)
def test_scores_without_what_is_given_away(leaked, recall, precision):
    counts = score(triggers(1, 3, 1, 1), LEAKING, ANSWER, leaked=leaked).counts
    assert counts["leaked"] == len(leaked)
    assert (counts["recall_unleaked"], counts["precision_unleaked"]) == (recall, precision)
    harmonic = 2 * recall * precision / (recall + precision) if recall else 0
    assert counts["f1_unleaked"] == pytest.approx(harmonic)
    # and the scores over all triggers are what they were
    assert (counts["recall"], counts["precision"]) == (4 / 6, 2 / 5)


def test_where_all_is_given_away_there_is_no_score_without_it():
    counts = score(triggers(1, 3, 1, 1), LEAKING, ANSWER, leaked={0, 1, 2, 3}).counts
    assert counts["leaked"] == 4
    assert not [name for name in counts if name.endswith("_unleaked")]


@pytest.mark.parametrize(
    ("judged", "detail"),
    [
        (block(("absent", ""), ("supported", "a horse")), "the quote of verdict 2, 'a horse', "),
        (block(("contradicted", "")), "the quote of verdict 1, '', "),
        (block(("absent", ""), claims=["rain", "a"]), "the quote of claim 2, 'a', "),
        (block(("supported", "x" * 999)), f"the quote of verdict 1, '{'x' * 80}', "),
    ],
)
def test_a_quote_that_is_not_there_is_told(judged, detail):
    fault = quote_fault(judged, ANSWER)
    assert fault.reason == "quote not in answer"
    assert fault.detail == detail + "does not occur in the answer word for word"


def test_a_verdict_of_absence_needs_no_quote():
    assert quote_fault(block(("absent", "a horse"), claims=["rain"]), ANSWER) is None


QUOTES = st.sampled_from(["cake", "clown", "no friends", "rain", "snow", "CAKE", "a cake ... snow"])
VERDICTS = st.tuples(st.sampled_from(["supported", "contradicted", "absent"]), QUOTES)
RATED = st.lists(st.tuples(VERDICTS, st.floats(1e-3, 1000)), min_size=1, max_size=6)
CLAIMS = st.lists(st.tuples(QUOTES, st.just(""), st.sampled_from(["yes", "no", "unclear"])), max_size=6)


@given(RATED, CLAIMS, st.randoms(use_true_random=False))
def test_every_score_is_a_share_and_none_depends_on_an_order(rated, claims, random):
    def counts(rated, claims):
        judged = block(*[verdict for verdict, _ in rated], claims=claims)
        return score(triggers(*[weight for _, weight in rated]), judged, ANSWER, look=True).counts

    found = counts(rated, claims)
    shares = {name: value for name, value in found.items() if name not in {"correct", "total", "claims", "leaked"}}
    assert all(0 <= value <= 1 for value in shares.values())
    assert found["correct"] <= found["total"]
    assert found["recall"] == found["correct"] / found["total"]
    recall, precision = found["recall"], found["precision"]
    harmonic = 2 * recall * precision / (recall + precision) if recall + precision else 0
    assert found["f1"] == pytest.approx(harmonic)
    assert found["invented"] <= found["unsupported"]
    random.shuffle(rated)
    assert counts(rated, claims) == found
