"""Which samples are foils, on toy corpora and on the real annotations of both tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging import Foils
from whyfeel.records import Media, Sample, Trigger
from whyfeel.tasks import open_task

DRAWN = """
from whyfeel.judging import Foils
from whyfeel.records import Sample, Trigger
corpus = [Sample(f"s{i}", "Why?", "sad", (Trigger("a"),), (), f"p{i // 2}") for i in range(60)]
print([Foils(corpus, "emotion", 5, 3).places(sample) for sample in corpus])
"""


def sample(number, picture, emotion="sad", triggers=("a",)):
    gold = tuple(map(Trigger, triggers))
    return Sample(f"s{number}", "Why?", emotion, gold, (Media(picture),), picture)


def places(corpus, kind, each=20, seed=0):
    foils = Foils(corpus, kind, each, seed)
    return [foils.places(one) for one in corpus]


CORPUS = [
    sample(0, "a"),
    sample(1, "a", "happy"),
    sample(2, "b"),
    sample(3, "c", "happy"),
    sample(4, "c", triggers=()),
    sample(5, "d"),
    sample(6, "d"),
    sample(7, "e", "angry"),
]


def test_the_same_emotion_and_another_picture():
    # 4 has no triggers and is no foil, but has foils; 7 is the only angry one: any other picture will do
    every_but_own = [0, 1, 2, 3, 5, 6]
    found = places(CORPUS, "emotion")
    assert found == [[2, 5, 6], [3], [0, 5, 6], [1], [0, 2, 5, 6], [0, 2], [0, 2], every_but_own]


def test_an_emotion_of_one_picture_takes_any_other_picture():
    corpus = [sample(0, "a"), sample(1, "a"), sample(2, "b", "happy")]
    assert places(corpus, "emotion") == [[2], [2], [0, 1]]


def test_the_same_picture_and_another_question():
    assert places(CORPUS, "picture") == [[1], [0], [], [], [3], [6], [5], []]


@pytest.mark.parametrize("kind", ["emotion", "picture"])
def test_no_foils(kind):
    assert places([], kind) == []
    assert places([sample(0, "a")], kind) == [[]]
    assert places([sample(0, "a", triggers=()), sample(1, "a", triggers=())], kind) == [[], []]
    assert places(CORPUS, kind, each=0) == [[]] * len(CORPUS)


def test_a_corpus_of_one_picture():
    corpus = [sample(number, "a", emotion) for number, emotion in enumerate(["sad", "sad", "happy"])]
    assert places(corpus, "emotion") == [[], [], []]
    assert places(corpus, "picture") == [[1, 2], [0, 2], [0, 1]]


def test_a_sample_that_is_not_in_the_corpus():
    foils = Foils(CORPUS, "emotion", 20, 0)
    assert foils.places(sample(99, "z")) == [0, 2, 5, 6]
    assert foils.places(sample(99, "a", "bored")) == [2, 3, 5, 6, 7]
    assert Foils(CORPUS, "picture", 20, 0).places(sample(99, "a")) == [0, 1]


def many(n=200):
    return [sample(i, f"p{i}", ("sad", "happy")[i % 2]) for i in range(n)]


@given(st.integers(1, 30), st.integers(0, 99))
def test_drawn_without_repetition_and_in_order(each, seed):
    corpus = many(40)
    for one, found in zip(corpus, places(corpus, "emotion", each, seed), strict=True):
        assert found == sorted(set(found))
        assert len(found) == min(each, 19)
        assert all(corpus[place].emotion == one.emotion and corpus[place].id != one.id for place in found)


def test_the_draw_depends_on_seed_and_id():
    corpus = many()
    assert places(corpus, "emotion") == places(corpus, "emotion")
    first, other = places(corpus, "emotion"), places(corpus, "emotion", seed=1)
    assert sum(one == two for one, two in zip(first, other, strict=True)) < 3
    # of 100 sad samples no two draw the same
    assert len({tuple(found) for found in first[::2]}) == 100
    # not on what the sample says, or on what was drawn before it
    foils = Foils(corpus, "emotion", 20, 0)
    assert [foils.places(one) for one in reversed(corpus)] == first[::-1]
    changed = Sample("s8", "What else?", "sad", (), (), "p8", ("odd",))
    assert foils.places(changed) == first[8]


def test_every_sample_is_drawn_about_as_often():
    corpus = many(400)
    drawn = Counter(place for found in places(corpus, "emotion") for place in found)
    assert len(drawn) == 400
    # 20 of 199 for each of 199 others: mean 20, standard deviation 4.2
    counts = np.array(list(drawn.values()))
    assert counts.mean() == 20
    assert counts.std() == pytest.approx(4.24, abs=0.6)
    assert abs(counts - 20).max() < 5 * 4.24


def test_another_process_draws_the_same():
    """Ids are told apart by Python's hashes, which differ from process to process."""
    said = [
        subprocess.run(
            [sys.executable, "-c", DRAWN], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0]) > 600


def test_the_real_basic_annotations(eibench: Path):
    corpus = list(open_task("eibench-basic", eibench, None))
    for one, found in zip(corpus, places(corpus, "emotion"), strict=True):
        assert len(set(found)) == 20
        assert all(corpus[place].emotion == one.emotion and corpus[place].cluster != one.cluster for place in found)


def test_the_real_complex_annotations(eibench: Path):
    task = open_task("eibench-complex", eibench, None)
    assert task.foils == "picture"
    corpus = list(task)
    found = places(corpus, task.foils)
    for one, own in zip(corpus, found, strict=True):
        assert {corpus[place].id for place in own} == {
            other.id for other in corpus if other.cluster == one.cluster and other.id != one.id
        }
    # 50 questions about 23 pictures: 20 with two, 2 with three, 1 with four
    assert Counter(map(len, found)) == {1: 40, 2: 6, 3: 4}
