"""BLEU and chrF: sacrebleu's own numbers, and these by hand."""

from __future__ import annotations

import math
import sys
from collections import Counter
from fractions import Fraction

import pytest
from measuring import items, values
from sacrebleu.metrics import BLEU, CHRF

from whyfeel.errors import UserError
from whyfeel.metrics.bleu import Bleu
from whyfeel.metrics.chrf import Chrf

ROWS = (
    ("the cat the cat on the mat", "the cat is on the mat"),
    ("She lost her keys.", "her keys are lost", "She lost her keys, and cries.", "rain"),
    ("Friends sing", "Friends sing together on a stage in the evening"),
    ("", "something"),
    ("日本語のテキスト", "日本語の文"),
)


def ngrams(tokens: str | list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def by_hand(pairs: list[tuple[str, list[str]]]) -> float:
    """Corpus BLEU of blank-separated words; every order has matches."""
    matched, said, length, wanted = [0] * 4, [0] * 4, 0, 0
    for hypothesis, references in pairs:
        words = hypothesis.split()
        length += len(words)
        wanted += min((abs(len(r.split()) - len(words)), len(r.split())) for r in references)[1]
        for n in range(1, 5):
            most: Counter[tuple[str, ...]] = Counter()
            for reference in references:
                most |= ngrams(reference.split(), n)
            found = ngrams(words, n)
            said[n - 1] += found.total()
            matched[n - 1] += (found & most).total()
    brevity = 1.0 if length > wanted else math.exp(1 - wanted / length)
    return 100 * brevity * math.prod(m / s for m, s in zip(matched, said, strict=True)) ** 0.25


def test_sentence_bleu_by_hand() -> None:
    # 5 of 7 words, 3 of 6 pairs, 1 of 5 triples; no four of 4, which smoothing counts as half a match
    expected = 100 * float(Fraction(5, 7) * Fraction(3, 6) * Fraction(1, 5) * Fraction(1, 8)) ** 0.25
    assert values(Bleu(), ROWS[0]) == [pytest.approx(expected, rel=1e-12)]
    # two words of two, a pair of one, and the orders beyond do not count; 2 words where 9 are wanted
    assert values(Bleu(), ROWS[2]) == [pytest.approx(100 * math.exp(1 - 9 / 2), rel=1e-12)]


def test_sentences_have_sacrebleus_values() -> None:
    for metric, theirs in ((Bleu(), BLEU(effective_order=True)), (Chrf(), CHRF())):
        expected = [min(theirs.sentence_score(row[0], list(row[1:])).score, 100.0) for row in ROWS]
        assert values(metric, *ROWS) == expected
        assert expected[3] == 0
        assert 0 < expected[1] < 100


def test_the_corpus_value_is_sacrebleus_and_that_by_hand_with_any_number_of_references() -> None:
    rows = [
        ("a man lost his old dog today", "a man lost his dog", "he lost his old dog today in town"),
        ("they sing a song for her birthday", "they sing a song for her"),
        ("it is raining", "it is raining again", "rain", "it is wet"),
    ]
    facts = Bleu().measure(items(*rows)).facts
    assert facts["corpus"] == pytest.approx(by_hand([(row[0], list(row[1:])) for row in rows]), rel=1e-12)
    assert facts["signature"].startswith("nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    one_each = [row[:2] for row in rows]
    for metric, theirs in ((Bleu(), BLEU()), (Chrf(), CHRF())):
        expected = theirs.corpus_score([row[0] for row in one_each], [[row[1] for row in one_each]])
        assert metric.measure(items(*one_each)).facts["corpus"] == expected.score
        assert metric.measure(items(*one_each)).facts["signature"] == str(theirs.get_signature())


def test_chrf_by_hand() -> None:
    hypothesis, reference = "the cat", "a cat sat"
    precisions, recalls = [], []
    for n in range(1, 7):
        said, wanted = (ngrams(text.replace(" ", ""), n) for text in (hypothesis, reference))
        precisions.append((said & wanted).total() / said.total())
        recalls.append((said & wanted).total() / wanted.total())
    precision, recall = sum(precisions) / 6, sum(recalls) / 6
    expected = 100 * 5 * precision * recall / (4 * precision + recall)
    assert values(Chrf(), (hypothesis, reference)) == [pytest.approx(expected, rel=1e-12)]


@pytest.mark.parametrize("metric", [Bleu(), Chrf()], ids=["bleu", "chrf"])
def test_what_has_no_reference_is_left_out_of_the_corpus_too(metric: Bleu | Chrf) -> None:
    some = items(("a cat", "a cat"), ("a dog",), ("the end", "the end"))
    found = metric.measure(some)
    assert (list(found.values), found.why) == ([100.0, None, 100.0], {"no reference": 1})
    assert found.facts["corpus"] == metric.measure([some[0], some[2]]).facts["corpus"]
    none = metric.measure(some[1:2])
    assert (list(none.values), none.facts) == ([None], {"corpus": None})


def test_without_sacrebleu_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    for build in (Bleu, Chrf):
        with pytest.raises(UserError, match=r"^.*pip install 'whyfeel\[metrics\]'.*--metric rouge-l"):
            build()
