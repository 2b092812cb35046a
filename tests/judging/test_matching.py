from __future__ import annotations

import gc
import math
import tracemalloc
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize  # noqa: F401 - takes most of a second, which is no test's

from whyfeel.judging import matching
from whyfeel.judging.claims import Clause, Statement, statements, trigger_stems
from whyfeel.judging.matching import HYBRID, LEXICAL, Matcher, Spans
from whyfeel.judging.overlap import assign
from whyfeel.records import Sample, Trigger, rng

# stems, and by hand how near WordNet has them; other pairs are 0
STEMS = ["smile", "grin", "quarrel", "argument", "happi", "joy", "cake", "xyzzi", "not"]
NEAR = {("smile", "grin"): 0.8, ("quarrel", "argument"): 0.6, ("happi", "joy"): 0.6}


def nearness(one, other):
    return 1.0 if one == other else NEAR.get((one, other), NEAR.get((other, one), 0.0))


def sample(*triggers, name="s"):
    return Sample(name, "Why?", "happy", tuple(map(Trigger, triggers)), (), name)


def clause(*stems, padding=()):
    return Clause(" ".join((*stems, *padding)), frozenset(stems), frozenset(padding))


def similar(matcher, spans, triggers, places=()):
    return matcher.lexical(spans, matcher.targets(tuple(map(Trigger, triggers)), places)).similarity


def test_similarity_by_hand():
    matcher = Matcher([sample("red hat", "red, red shoes"), sample("blue hat", "gloves")])
    two, one, none = math.log(5 / 2.5), math.log(5 / 1.5), math.log(5 / 0.5)  # four triggers; of one, of two, of none
    got = similar(matcher, [clause("red", "hat"), clause("unicorn", "glove")], ["red shoes", "gloves"])
    assert got[0].tolist() == pytest.approx([2 * two / (two + two + two + one), 0])
    assert got[1].tolist() == pytest.approx([0, 2 * one / (one + one + none)])


def test_synonyms_count_by_their_nearness():
    matcher = Matcher([sample("a grin", "an argument", "cake")])
    got = similar(matcher, [clause("smile"), clause("quarrel"), clause("grin")], ["a grin", "an argument", "cake"])
    np.testing.assert_allclose(got, [[0.8, 0, 0], [0, 0.6, 0], [1, 0, 0]])


def test_padding_helps_and_costs_nothing():
    matcher = Matcher([sample("A possible quarrel", "cake")])
    bare, padded, other = clause("quarrel"), clause("quarrel", padding=["possibl"]), clause("cake", padding=["possibl"])
    (near,), (nearer,), (none,) = similar(matcher, [bare, padded, other], ["A possible quarrel"])
    assert near == pytest.approx(2 / 3)  # two stems of one weight: r = 1/2, p = 1
    assert nearer == pytest.approx(1)
    assert none == 0  # r alone makes no match
    assert similar(matcher, [padded], ["quarrel"]).item() == pytest.approx(1)


def f_of(words, padding, trigger, weight):
    def best(one, others):
        return max((nearness(one, other) for other in others), default=0)

    every = words | padding
    r = sum(weight(s) * best(s, every) for s in trigger) / sum(map(weight, trigger))
    p = sum(weight(s) * best(s, trigger) for s in words) / sum(map(weight, words))
    return 2 * p * r / (p + r) if p + r else 0.0


some = st.frozensets(st.sampled_from(STEMS), min_size=1, max_size=4)


@given(
    st.lists(st.tuples(some, st.frozensets(st.sampled_from(STEMS), max_size=2)), min_size=1, max_size=4),
    st.lists(st.lists(some, min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(some, min_size=1, max_size=3),
)
def test_arrays_give_what_the_formula_gives(spans, corpus, own):
    words = ["smile", "grin", "quarrel", "argument", "happy", "joy", "cake", "xyzzy", "not"]
    said = dict(zip(STEMS, words, strict=True))
    texts = [[" ".join(said[s] for s in sorted(stems)) for stems in triggers] for triggers in corpus]
    mine = [" ".join(said[s] for s in sorted(stems)) for stems in own]
    matcher = Matcher([sample(*some, name=str(n)) for n, some in enumerate(texts)])
    frequency = Counter(s for triggers in texts for text in triggers for s in trigger_stems(text))
    count = sum(map(len, texts))
    places = list(range(len(corpus)))[::-1]
    targets = matcher.targets(tuple(map(Trigger, mine)), places)
    assert targets.samples.tolist() == np.cumsum([0, len(own), *(len(corpus[p]) for p in places)]).tolist()
    got = matcher.lexical([Clause("", words, padding) for words, padding in spans], targets).similarity
    held = [trigger_stems(text) for text in (*mine, *(text for p in places for text in texts[p]))]
    weight = lambda stem: math.log((count + 1) / (frequency[stem] + 0.5))  # noqa: E731
    expected = [[f_of(words, padding, trigger, weight) for trigger in held] for words, padding in spans]
    np.testing.assert_allclose(got, expected, atol=1e-12)
    assert (got <= 1 + 1e-12).all()


def test_a_trigger_without_words_matches_nothing():
    matcher = Matcher([sample("🎉", "...", "cake")])
    got = similar(matcher, [clause("cake")], ["!?", "cake"], [0])
    assert got.tolist() == [[0, 1, 0, 0, 1]]


def test_an_empty_corpus_still_compares():
    assert similar(Matcher([]), [clause("smile")], ["smile", "a grin", "cake"]).tolist() == [[1, pytest.approx(0.8), 0]]
    assert Matcher([]).given_away("Why the cake?", [Trigger("cake")]) == {0}


def test_nothing_said_is_near_nothing():
    matcher = Matcher([sample("cake")])
    assert similar(matcher, [], ["cake"]).shape == (0, 1)
    assert similar(matcher, [clause("cake")], []).shape == (1, 0)


def test_slots_and_their_spans():
    plain, labelled = statements("Hat and gloves\nParty: balloons and cake")
    spans = Spans.of([plain, labelled])
    assert [c.text for c in spans.clauses] == [
        *("Hat", "Hat and gloves", "gloves"),
        *("balloons", "Party: balloons and cake", "Party", "cake"),
    ]
    assert (spans.slots, spans.statement) == ((0, 2, 3, 6), (0, 0, 1, 1))
    best = spans.best(np.array([[0.1], [0.9], [0.2], [0.3], [0.0], [0.4], [0.5]]))
    assert best.tolist() == [[0.9], [0.2], [0.4], [0.5]]
    assert Spans.of([]).best(np.zeros((0, 3))).shape == (0, 3)


def test_a_clause_that_is_its_whole_statement_is_compared_once():
    assert [c.text for c in Spans.of(statements("1. Smiling friends.")).clauses] == ["Smiling friends"]


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("What makes the woman with a card in his hand happy?", {1}),
        ("Why is he smiling over a card that he holds in his hand?", {0, 1}),
        ("Why does this person feel happy?", set()),
        ("", set()),
        ("为什么？", set()),
    ],
)
def test_what_a_question_gives_away(question, given):
    triggers = [Trigger("A grin"), Trigger("A card in his hand"), Trigger("A birthday cake")]
    corpus = [sample("A grin", "A card in his hand", "A birthday cake", "A woman laughs", "A person makes music")]
    assert Matcher(corpus).given_away(question, triggers) == given


def test_a_given_away_trigger_does_not_use_up_the_words_that_name_it():
    triggers = [Trigger("a cake"), Trigger("cakes")]
    assert Matcher([sample("a cake", "music")]).given_away("Why the cake?", triggers) == {0, 1}


class Pictured:
    """An embedder that knows a vector for each text, and remembers what it was asked."""

    def __init__(self, vectors):
        self.vectors = vectors
        self.asked = []

    def __call__(self, texts):
        self.asked.append(texts)
        return np.array([self.vectors[text] for text in texts], np.float32)


def test_hybrid_by_hand_and_each_text_embedded_once():
    embed = Pictured({"cake": (1, 0), "a tart": (0.6, 0.8), "cakes": (0.8, -0.6), "tart": (-1, 0)})
    corpus = [sample("a tart"), sample("tart")]
    matcher = Matcher(corpus, embed)
    assert (matcher.threshold, Matcher(corpus).threshold) == (HYBRID, LEXICAL)
    span, targets = [clause("cake")], matcher.targets((Trigger("cakes"),), [0, 1])
    lexical = matcher.lexical(span, targets).similarity
    assert lexical.tolist() == [[1, 0, 0]]
    got = matcher.similarity(span, targets, lexical)
    np.testing.assert_allclose(got, [[0.7 * 0.8 + 0.3, 0.7 * 0.6, 0]], rtol=1e-6)
    assert embed.asked == [["cake", "cakes", "a tart", "tart"]]
    matcher.similarity(span, targets, lexical)
    assert len(embed.asked) == 1


def test_embeddings_are_remembered_within_a_bound(monkeypatch):
    monkeypatch.setattr(matching, "TEXTS", 2)
    embed = Pictured(dict.fromkeys(("one", "two", "three"), (1, 0)))
    matcher = Matcher([], embed)
    for name in ("one", "two", "one", "three", "one", "two"):
        targets = matcher.targets([Trigger("one")])
        matcher.similarity([clause(name)], targets, np.zeros((1, 1)))
    assert embed.asked == [["one"], ["two"], ["three"], ["two"]]


def test_a_question_is_held_against_words_only():
    embed = Pictured({})
    assert Matcher([sample("cake")], embed).given_away("Why the cake?", [Trigger("cake")]) == {0}
    assert embed.asked == []


@given(st.integers(0, 5), st.integers(1, 4), st.integers(0, 2**32))
def test_the_assignment_is_the_best_of_all(slots, triggers, seed):
    similarity = rng(seed, "similarity").integers(0, 11, size=(slots, triggers)) / 10
    pairs = assign(similarity, 0.35)
    assert len({trigger for trigger, _ in pairs}) == len({slot for _, slot in pairs}) == len(pairs)
    assert pairs == sorted(pairs)
    assert all(similarity[slot, trigger] > 0.35 for trigger, slot in pairs)
    gains = np.vstack([np.where(similarity > 0.35, 1 + similarity, 0), np.zeros((triggers, triggers))])
    best = max(
        sum(gains[slot, trigger] for trigger, slot in enumerate(order))
        for order in permutations(range(slots + triggers), triggers)
    )
    assert sum(1 + similarity[slot, trigger] for trigger, slot in pairs) == pytest.approx(best, abs=1e-5)


def test_ties_go_to_earlier_clauses_in_the_annotations_order():
    assert assign(np.full((4, 2), 0.5), 0.2) == [(0, 0), (1, 1)]
    assert assign(np.array([[0.1, 0.1], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]), 0.2) == [(0, 1), (1, 2)]
    assert assign(np.array([[0.5, 0.5]]), 0.2) == [(1, 0)]  # where one clause is left over, the later triggers have it
    assert assign(np.full((3, 2), 0.2), 0.2) == []


def test_two_near_matches_are_more_than_a_perfect_one():
    assert assign(np.array([[1.0, 0.4], [0.4, 0.0]]), 0.2) == [(0, 1), (1, 0)]


def test_a_corpus_is_held_in_a_few_numbers_a_trigger():
    count = 20_000
    words = [f"{first}{second}" for first in ("rain", "lamp", "cake", "shoe") for second in "abcdefghij"]
    lines = [tuple(Trigger(" ".join(words[(n + k) % 40] for k in range(4))) for n in range(5)) for _ in range(2)]
    corpus = (Sample(str(n), "", "sad", lines[n % 2], (), "") for n in range(count))
    Matcher([sample("cake")]).given_away("cake", [Trigger("cake")])  # the table is read before
    for line in lines[0]:
        trigger_stems(line.text)
    gc.collect()
    tracemalloc.start()
    matcher = Matcher(corpus)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert matcher.targets((), [count - 1]).samples.tolist() == [0, 0, 5]
    assert held < 20 * 5 * count  # bytes: 4 stems, a start and a weight a trigger


def test_a_very_long_enumeration_is_compared():
    found = statements(", ".join(f"cake{n} and hat{n % 7}" for n in range(2000)))
    spans = Spans.of(found)
    got = similar(Matcher([sample("cake1", "hat2")]), spans.clauses, ["cake1", "hat2"])
    assert got.shape == (len(spans.clauses), 2)
    assert assign(spans.best(got), LEXICAL) == [(0, 2), (1, 5)]


def test_statements_made_by_hand_need_no_heads():
    made = Statement((clause("cake"), clause("hat")), ())
    assert Spans.of([made]).slots == (0, 1)
