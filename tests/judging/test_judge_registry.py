from __future__ import annotations

import pytest
from scripted_judge import converse, perfect

from whyfeel.errors import UserError
from whyfeel.judging import JUDGES, build_judge
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.prompts import shipped_prompts
from whyfeel.records import Response


class Counted:
    """A corpus that counts how often it is read."""

    def __init__(self, samples):
        self.samples, self.passes = samples, 0

    def __iter__(self):
        self.passes += 1
        return iter(self.samples)


# overlap weighs words over the corpus, then draws foils from it; verdicts weighs them to see what questions give away
PASSES = {"overlap": 2, "verdicts": 1, "pairwise": 0, "official-llama3": 0, "official-gpt": 0}


@pytest.mark.parametrize("info", JUDGES, ids=lambda info: info.name)
def test_every_judge_listed_is_built(info, make_sample):
    corpus = Counted([make_sample("smiling")])
    judge = build_judge(info.name, shipped_prompts(), corpus, "basic")
    assert judge.name == info.name
    assert bool(judge.roles) == (info.name != "overlap")
    assert corpus.passes == PASSES[info.name]
    assert "\n" not in judge.note + info.title


@pytest.mark.parametrize("info", [one for one in JUDGES if one.name != "pairwise"], ids=lambda info: info.name)
def test_the_headline_is_the_first_series(info, make_sample):
    sample = make_sample("smiling")
    judge = build_judge(info.name, shipped_prompts(), [sample], "basic")
    model = perfect if info.name == "verdicts" else lambda ask: "{score: 1/1}"
    judgement, _ = converse(judge.judge(sample, Response(sample.id, "smiling")), model)
    tally = judge.tally()
    tally.add(sample, judgement)
    assert tally.series()[0].name == judge.headline
    assert [s.numerator.tolist() for s in tally.series() if s.name == judge.headline] == [[1.0]]


@pytest.mark.parametrize("scorer", ["basic", "complex"])
def test_the_scorer_reaches_the_tally(scorer):
    series = build_judge("official-gpt", shipped_prompts(), [], scorer).tally().series()
    assert [s.groups for s in series if s.name == "official_recall"][1:] == (
        [("happy", "angry", "sad", "excited")] if scorer == "basic" else []
    )


def test_an_unknown_name_is_the_users_mistake():
    with pytest.raises(UserError, match=r"no judge 'overlp'\. Did you mean 'overlap'\? There are: official-llama3,"):
        build_judge("overlp", shipped_prompts(), [], "basic")
    with pytest.raises(UserError, match=r"no judge 'zzz'\. There are"):
        build_judge("zzz", shipped_prompts(), [], "basic")


def test_overlap_reads_the_corpus_as_a_stream(make_sample):
    judge = OverlapJudge(make_sample("smiling", name=str(n)) for n in range(3))
    assert judge.name == "overlap"


def test_several_models_are_a_panel():
    judge = build_judge("verdicts", shipped_prompts(), [], "basic", members=["a", "b", "c"], see_image=True)
    assert (judge.name, judge.headline, judge.prompts) == ("verdicts", "kf1", ("verdicts",))
    assert dict(judge.roles) == {"judge": True, "judge-2": True, "judge-3": True}
    assert list(judge.roles) == ["judge", "judge-2", "judge-3"]
    assert judge.note.startswith("The mean of 3 judges. ")


@pytest.mark.parametrize("members", [(), ("a",)])
def test_one_model_is_a_plain_judge(members):
    judge = build_judge("verdicts", shipped_prompts(), [], "basic", members=members)
    assert judge.roles == {"judge": False}
    assert judge.tally().facts().keys() == {"chance", "leaked"}  # and no panel


def test_the_seed_reaches_the_nonce(make_sample):
    sample = make_sample("smiling")
    texts = set()
    for seed in (0, 1):
        judge = build_judge("verdicts", shipped_prompts(), [], "basic", seed=seed)
        texts.add(str(next(judge.judge(sample, Response(sample.id, "smiling"))).messages))
    assert len(texts) == 2


def test_who_makes_no_panel_and_who_cannot_look():
    def build(name, **options):
        return build_judge(name, shipped_prompts(), [], "basic", **options)

    with pytest.raises(UserError, match="names 2 models: a panel needs --judge verdicts or pairwise, not official-gpt"):
        build("official-gpt", members=["a", "b"])
    with pytest.raises(UserError, match="a panel needs --judge verdicts or pairwise, not overlap"):
        build("overlap", members=["a", "b"])
    with pytest.raises(UserError, match="--judge-model names 'b' twice: a panel needs different models"):
        build("verdicts", members=["a", "b", "b"])
    for name in ("overlap", "official-gpt", "official-llama3"):
        with pytest.raises(UserError, match=f"--see-image: the judge {name} cannot look"):
            build(name, see_image=True)
    with pytest.raises(UserError, match=r"no judge 'verdict'\. Did you mean 'verdicts'"):
        build("verdict", members=["a", "b"], see_image=True)
