"""The controls, on hand-made data sets and on the released annotations."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest
import snowballstemmer

from whyfeel.errors import UserError
from whyfeel.records import Media, Response, Sample, Trigger
from whyfeel.strategies import BASELINES, build_baseline

CLASSES = {"/Happy/": "happy", "/Angry/": "angry", "/sadness/": "sad", "/excitement/": "excited"}


def sample(name, triggers="rain", question="Why?", emotion="sad", cluster=None) -> Sample:
    found = tuple(Trigger(text) for text in triggers.split("|") if text)
    return Sample(name, question, emotion, found, (Media(f"{name}.png"),), cluster or name)


class Once:
    """A data set that may be iterated over one time only."""

    def __init__(self, *samples):
        self._samples = iter(samples)

    def __iter__(self):
        samples, self._samples = self._samples, None
        return samples


def answer(name, corpus, asked, seed=0) -> str:
    return respond(build_baseline(name, corpus, seed), asked).text


def respond(baseline, asked) -> Response:
    with pytest.raises(StopIteration) as stop:
        next(baseline.respond(asked))
    return stop.value.value


# --- each of them


def test_it_is_a_strategy_that_asks_nothing():
    baseline = build_baseline("oracle", Once(), 0)
    assert (baseline.name, baseline.roles) == ("baseline", {})
    assert respond(baseline, sample("a", "rain|cold\n wind")) == Response("a", "1. rain\n2. cold wind")


def test_empty_and_echo():
    asked = sample("a", question="Why is he sad?")
    assert respond(build_baseline("empty", Once(), 0), asked) == Response("a", "", "empty")
    assert respond(build_baseline("echo", Once(), 0), asked) == Response("a", "Why is he sad?")
    assert respond(build_baseline("echo", Once(), 0), sample("a", question=" ")).outcome == "empty"


def test_the_commonest_are_counted_by_their_words_and_shown_as_first_seen():
    corpus = (
        sample("a", "Smiling.|Rain", emotion="happy"),
        sample("b", "smiling|A  dog|rain", emotion="happy"),
        sample("c", "a dog.|SMILING", emotion="happy"),
        sample("d", "grief|A cat.|grief.", emotion="sad"),
    )
    assert answer("stuff", Once(*corpus), sample("x")) == "1. Smiling.\n2. Rain\n3. A dog\n4. grief\n5. A cat."
    assert answer("top5", Once(*corpus), sample("x", emotion="happy")) == "1. Smiling.\n2. Rain\n3. A dog"
    assert answer("top5", Once(*corpus), sample("x", emotion="sad")) == "1. grief\n2. A cat."
    assert answer("top5", Once(*corpus), sample("x", emotion="awe")) == ""


def test_stuff_has_50_and_top5_has_5():
    corpus = [sample(str(i), f"cause {i}|cause {i % 7}") for i in range(60)]
    assert len(answer("stuff", Once(*corpus), corpus[0]).splitlines()) == 50
    # 0 to 6 stand in 9 or 10 samples as i % 7, of which 0 to 3 in one more; the ties keep their order
    assert answer("top5", Once(*corpus), corpus[0]).splitlines() == [f"{i + 1}. cause {i}" for i in range(5)]


def test_shuffled_takes_another_picture_of_the_same_emotion():
    corpus = [
        sample("a1", "own", cluster="a"),
        sample("a2", "own too", cluster="a"),
        *(sample(f"b{i}", f"many {i}", cluster="b") for i in range(8)),
        sample("c", "one"),
        sample("d", "wrong", emotion="happy"),
        sample("e", ""),
    ]
    answers = Counter(answer("shuffled", Once(*corpus), corpus[0], seed) for seed in range(300))
    assert set(answers) == {"1. one", *(f"1. many {i}" for i in range(8))}
    # a picture is as likely as the other, however many samples it has: 150 +- 5 standard deviations
    assert abs(answers["1. one"] - 150) < 5 * math.sqrt(300) / 2


def test_shuffled_draws_for_each_sample_whatever_is_asked_before():
    corpus = [sample(f"p{i}", f"cause {i}") for i in range(40)]
    baseline = build_baseline("shuffled", Once(*corpus), 0)
    forwards = [respond(baseline, one).text for one in corpus]
    assert [respond(baseline, one).text for one in reversed(corpus)] == forwards[::-1]
    # of 40 independent draws among 39 about 25 are distinct; one draw for all would give 2
    assert len(set(forwards)) > 15


def test_shuffled_falls_back_and_never_takes_its_own_picture():
    alone = [sample("a1", "own", emotion="happy", cluster="a"), sample("a2", "own too", cluster="a")]
    assert answer("shuffled", Once(*alone), alone[0]) == ""
    assert answer("shuffled", Once(), alone[0]) == ""
    other = sample("b", "other", emotion="angry")
    assert answer("shuffled", Once(*alone, other), alone[0]) == "1. other"
    assert answer("shuffled", Once(other), sample("new", emotion="awe")) == "1. other"


def test_prior_finds_the_nearest_question_of_another_picture():
    corpus = [
        sample("a", "own", "What made the woman with the umbrella sad?", cluster="a"),
        sample("b", "same picture", "What made the woman with the umbrella sad?", cluster="a"),
        sample("c", "common words", "What made the man angry?"),
        sample("d", "rare word", "Are umbrellas the reason?"),
        sample("e", "rare word again", "Are the umbrellas the REASON?"),
        *(sample(f"f{i}", "filler", "What made the man angry?") for i in range(9)),
    ]
    assert answer("prior", Once(*corpus), corpus[0]) == "1. rare word"
    assert answer("prior", Once(*corpus), corpus[3]) == "1. rare word again"
    assert answer("prior", Once(*corpus[:2]), corpus[0]) == ""
    assert answer("prior", Once(), corpus[0]) == ""
    # nothing in common: the first of another picture
    assert answer("prior", Once(*corpus), sample("x", question="zzz", cluster="a")) == "1. common words"
    assert answer("prior", Once(*corpus), sample("x", question="", cluster="y")) == "1. own"


def test_unknown_names_are_refused():
    with pytest.raises(UserError, match=r"no baseline 'shufled' \(did you mean 'shuffled'\?\); known: empty, echo"):
        build_baseline("shufled", Once(), 0)
    with pytest.raises(UserError, match="no baseline '';"):
        build_baseline("", Once(), 0)


@pytest.mark.parametrize("name", BASELINES)
def test_the_listing_is_what_can_be_built(name):
    assert len(BASELINES) == 7
    build_baseline(name, Once(sample("a")), 0)


# --- the released annotations


@pytest.fixture(scope="module")
def basic(eibench: Path) -> list[Sample]:
    folder = eibench / "EI_Basic"
    labels = json.loads((folder / "basic_ground_truth.json").read_text(encoding="utf-8"))
    samples = []
    for line in (folder / "user.jsonl").read_text(encoding="utf-8").splitlines():
        ((path, question),) = json.loads(line).items()
        items = (re.sub(r"^\s*\d+\.\s*", "", item).strip() for item in labels[path].split("\n"))
        emotion = next(emotion for folder, emotion in CLASSES.items() if folder in path)
        triggers = tuple(Trigger(item) for item in items if item)
        samples.append(Sample(path, question, emotion, triggers, (Media(path),), path))
    return samples


def bare(text):
    return " ".join(text.split()).casefold().removesuffix(".").rstrip()


def test_commonest_triggers_of_eibench(basic):
    counts = Counter(bare(trigger.text) for one in basic for trigger in one.triggers)
    assert (counts["smiling"], counts["lack of interaction with others"]) == (44, 31)
    lines = answer("stuff", Once(*basic), basic[0]).splitlines()
    assert [bare(line.partition(" ")[2]) for line in lines] == [text for text, _ in counts.most_common(50)]
    assert lines[0].lower().startswith("1. smiling")
    assert lines[1].lower().startswith("2. lack of interaction with others")


def test_shuffled_on_eibench(basic):
    own = {one.id: answer("oracle", Once(), one) for one in basic}
    emotions = {}
    for one in basic:
        emotions.setdefault(own[one.id], set()).add(one.emotion)
    runs = []
    for seed in (1, 1, 2):
        baseline = build_baseline("shuffled", Once(*basic), seed)
        runs.append([respond(baseline, one).text for one in basic])
    assert runs[0] == runs[1]
    assert sum(a != b for a, b in zip(runs[0], runs[2], strict=True)) > 1500
    for one, text in zip(basic, runs[0], strict=True):
        assert text != own[one.id]
        assert one.emotion in emotions[text]


def nearest_by_hand(basic, asked):
    """A dense leave-one-out search, sample by sample."""
    stem = snowballstemmer.stemmer("english").stemWord
    words = [{stem(w) for w in re.findall(r"[^\W_]+", one.question.casefold())} for one in basic]
    held = Counter(word for some in words for word in some)
    idf = {word: math.log((len(basic) + 1) / count) for word, count in held.items()}

    def cosine(a, b):
        norms = math.sqrt(sum(idf[w] ** 2 for w in a)) * math.sqrt(sum(idf[w] ** 2 for w in b))
        return sum(idf[w] ** 2 for w in a & b) / norms

    for place in asked:
        others = [i for i in range(len(basic)) if basic[i].cluster != basic[place].cluster]
        scores = {i: round(cosine(words[place], words[i]), 12) for i in others}
        yield basic[place], basic[max(others, key=scores.__getitem__)]


def test_prior_on_eibench(basic):
    baseline = build_baseline("prior", Once(*basic), 0)
    for asked, nearest in nearest_by_hand(basic, range(3, len(basic), 50)):
        assert respond(baseline, asked).text == answer("oracle", Once(), nearest), asked.id
    for one in basic:
        assert respond(baseline, one).text not in ("", answer("oracle", Once(), one))
