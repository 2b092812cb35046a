"""The judges by name."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from whyfeel.errors import UserError
from whyfeel.judging.base import Judge, Tally
from whyfeel.judging.foiled import Foiled, foil_triggers
from whyfeel.judging.foils import FoilKind, Foils
from whyfeel.judging.matching import Embed, Matcher
from whyfeel.judging.official import GPT, LLAMA3, JudgeProtocol, OfficialJudge, OfficialTally
from whyfeel.judging.overlap import OverlapJudge, overlap_tally
from whyfeel.judging.pairwise import Opponent, PairwiseJudge, PairwisePanel, PairwisePanelTally
from whyfeel.judging.pairwise_scores import PairwiseTally
from whyfeel.judging.panel import Panel, panel_tally
from whyfeel.judging.released import Scorer
from whyfeel.judging.verdicts import VerdictsJudge, verdicts_tally
from whyfeel.prompts import Prompts
from whyfeel.records import Corpus


@dataclass(frozen=True, slots=True)
class JudgeInfo:
    """A judge as a command names it, and what it is in one line."""

    name: str
    title: str


JUDGES: tuple[JudgeInfo, ...] = (
    JudgeInfo("official-llama3", "EIBench's LLaMA-3 judge: an LLM counts the triggers an answer names"),
    JudgeInfo("official-gpt", "EIBench's ChatGPT judge: the same with its own settings"),
    JudgeInfo("overlap", "offline: words and synonyms in common with the triggers, one to one"),
    JudgeInfo("verdicts", "an LLM, or a panel of several, gives a verdict with a checked quote for each trigger"),
    JudgeInfo("pairwise", "an LLM, or a panel of several, prefers the answer or another: people's, or another run's"),
)


OVERLAP_FOILS = 20  # it asks nothing, so that every sample has them
NOBODY = Opponent("nobody")
PAIRWISE = PairwiseJudge.name
MODEL_FOILS = 5  # of a judge that calls a model, on a part of the samples


def build_judge(
    name: str,
    prompts: Prompts,
    corpus: Corpus,
    scorer: Scorer,
    *,
    members: Sequence[str] = (),
    see_image: bool = False,
    seed: int = 0,
    foils: FoilKind = "emotion",
    embed: Embed | None = None,
    opponent: Opponent = NOBODY,
) -> Judge:
    """The judge of that name.

    Args:
        name: one of JUDGES.
        prompts: the prompt texts of the run.
        corpus: all samples of the task; read by `overlap` and `verdicts`, not at all by the others.
        scorer: which released scorer the official judges repeat.
        members: the declared names of the models that are asked; several make a panel.
        see_image: whether the judge is shown the pictures.
        seed: of the foils, and of the nonces of `verdicts` and `pairwise`.
        foils: where those of `overlap` come from; `with_foils` adds them to a judge that calls a model.
        embed: a sentence embedder for `overlap`.
        opponent: whose answers `pairwise` compares with.

    Raises:
        UserError: there is no such judge, or it makes no panel or does not look at pictures; or a model is named twice.
    """
    if embed is not None and name != OverlapJudge.name:
        raise UserError(f"--embedder is for the judge overlap, not for {name}")
    if name in {VerdictsJudge.name, PAIRWISE}:
        _check_different(members)
    if name == VerdictsJudge.name:
        return _verdicts(prompts, members, corpus, see_image=see_image, seed=seed)
    if name == PAIRWISE:
        if len(members) > 1:
            return PairwisePanel(members, prompts, opponent, seed=seed, see_image=see_image)
        return PairwiseJudge(prompts, opponent, seed=seed, see_image=see_image)
    known = [info.name for info in JUDGES]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(f"--judge: there is no judge {name!r}.{hint} There are: {', '.join(known)}.")
    if len(members) > 1:
        raise UserError(
            f"--judge-model names {len(members)} models: a panel needs --judge verdicts or pairwise, not {name}"
        )
    if see_image:
        raise UserError(f"--see-image: the judge {name} cannot look at pictures; verdicts and pairwise can")
    if name == OverlapJudge.name:
        return OverlapJudge(corpus, Foils(corpus, foils, OVERLAP_FOILS, seed), embed=embed)
    return OfficialJudge(_protocol(name), prompts, scorer)


def takes_foils(judge: Judge) -> bool:
    """Whether `with_foils` adds any; `overlap` brings its own, and the official judges have none."""
    return isinstance(judge, VerdictsJudge | Panel)


def with_foils(judge: Judge, corpus: Corpus, kind: FoilKind, each: int, seed: int, ids: Collection[str]) -> Judge:
    """A judge that calls a model, with foils for the samples of these ids; any other judge as it is."""
    if not takes_foils(judge):
        return judge
    return Foiled(judge, foil_triggers(corpus, Foils(corpus, kind, each, seed), ids))


def showings(judge: Judge) -> int:
    """How often a judge is shown an answer each time it judges it: `pairwise` shows it in both orders."""
    return 2 if judge.name == PAIRWISE else 1


def build_tally(name: str, scorer: Scorer, *, members: Sequence[str] = (), see_image: bool = False) -> Tally:
    """An empty tally of the judge of that name, for judgements that are read from a file; arguments as above.

    Raises:
        UserError: there is no such judge.
    """
    if name == VerdictsJudge.name:
        return panel_tally(members, see_image=see_image) if len(members) > 1 else verdicts_tally(see_image=see_image)
    if name == PAIRWISE:
        return PairwisePanelTally(members) if len(members) > 1 else PairwiseTally()
    if name == OverlapJudge.name:
        return overlap_tally()
    if name not in {LLAMA3.name, GPT.name}:
        raise UserError(f"there is no judge {name!r} in this whyfeel: get a newer one")
    return OfficialTally(scorer)


def _protocol(name: str) -> JudgeProtocol:
    return next(one for one in (LLAMA3, GPT) if one.name == name)


def _check_different(members: Sequence[str]) -> None:
    twice = [model for model, times in Counter(members).items() if times > 1]
    if twice:
        raise UserError(f"--judge-model names {twice[0]!r} twice: a panel needs different models")


def _verdicts(prompts: Prompts, members: Sequence[str], corpus: Corpus, *, see_image: bool, seed: int) -> Judge:
    given_away = Matcher(corpus).given_away
    if len(members) > 1:
        return Panel(members, prompts, seed=seed, see_image=see_image, given_away=given_away)
    return VerdictsJudge(prompts, seed=seed, see_image=see_image, given_away=given_away)
