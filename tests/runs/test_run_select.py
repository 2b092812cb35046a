from __future__ import annotations

from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from whyfeel.records import Sample
from whyfeel.runs.select import choose, selected

LABELS = st.lists(st.sampled_from(["happy", "angry", "sad", "excited", "afraid"]), min_size=1, max_size=120)


def corpus(emotions: list[str]) -> list[Sample]:
    return [Sample(f"s{i}", "Why?", emotion, (), (), f"s{i}") for i, emotion in enumerate(emotions)]


def draw(emotions: list[str], n: int, seed: int = 0) -> list[Sample]:
    samples = corpus(emotions)
    return list(selected(samples, choose(samples, limit=None, sample=n, seed=seed)))


def test_shares_follow_the_largest_remainder_by_hand() -> None:
    # 10 of 23: 14/23, 6/23 and 3/23 of 10 are 6.09, 2.61 and 1.30; the one left over goes to the second
    found = Counter(s.emotion for s in draw(["sad"] * 14 + ["happy"] * 6 + ["angry"] * 3, 10))
    assert found == {"sad": 6, "happy": 3, "angry": 1}


@given(LABELS, st.integers(1, 140), st.integers(0, 5))
def test_a_draw_has_the_exact_size_and_every_emotion_its_quota(emotions: list[str], n: int, seed: int) -> None:
    drawn = draw(emotions, n, seed)
    total = len(emotions)
    assert len(drawn) == min(n, total)
    assert len({sample.id for sample in drawn}) == len(drawn)
    found = Counter(sample.emotion for sample in drawn)
    for emotion, count in Counter(emotions).items():
        quota = Fraction(min(n, total) * count, total)
        assert quota.__floor__() <= found[emotion] <= quota.__ceil__()
    # no emotion got one more while another with a larger remainder did not
    remainders = {e: Fraction(min(n, total) * c, total) % 1 for e, c in Counter(emotions).items()}
    more = [e for e in remainders if found[e] > Fraction(min(n, total) * Counter(emotions)[e], total)]
    fewer = [e for e in remainders if remainders[e] and e not in more]
    assert all(remainders[a] >= remainders[b] for a in more for b in fewer)


@given(LABELS, st.integers(1, 140), st.integers(0, 5))
def test_a_draw_keeps_the_order_of_the_task_and_the_seed_decides_it(emotions: list[str], n: int, seed: int) -> None:
    drawn = [int(sample.id[1:]) for sample in draw(emotions, n, seed)]
    assert drawn == sorted(drawn)
    assert drawn == [int(sample.id[1:]) for sample in draw(emotions, n, seed)]


def test_another_seed_draws_others() -> None:
    emotions = ["sad", "happy"] * 50
    assert draw(emotions, 20, 0) != draw(emotions, 20, 1)


def test_the_draw_within_an_emotion_does_not_depend_on_the_others() -> None:
    alone = [s.id for s in draw(["sad"] * 20, 10)]
    assert [s.id for s in draw(["sad"] * 20 + ["happy"] * 20, 20) if s.emotion == "sad"] == alone


@given(LABELS, st.integers(1, 140))
def test_a_limit_takes_the_first(emotions: list[str], n: int) -> None:
    samples = corpus(emotions)
    assert list(selected(samples, choose(samples, limit=n, sample=None, seed=0))) == samples[:n]


def test_a_limit_reads_no_further_than_it_must() -> None:
    read = []

    def samples() -> object:
        for sample in corpus(["sad"] * 100):
            read.append(sample)
            yield sample

    assert len(list(selected(samples(), choose([], limit=3, sample=None, seed=0)))) == 3  # type: ignore[arg-type]
    assert len(read) <= 4


@given(LABELS)
def test_without_either_all_are_taken(emotions: list[str]) -> None:
    samples = corpus(emotions)
    assert choose(samples, limit=None, sample=None, seed=0) is None
    assert choose(samples, limit=None, sample=len(samples), seed=0) is None
    assert list(selected(samples, None)) == samples


def test_nothing_chosen_is_nothing() -> None:
    assert list(selected(corpus(["sad"]), frozenset())) == []
