"""The judges by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from whyfeel.errors import UserError
from whyfeel.judging.base import Judge
from whyfeel.judging.official import GPT, LLAMA3, OfficialJudge
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.judging.released import Scorer
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
    JudgeInfo("overlap", "offline: word stems in common with the triggers, one to one"),
)


def build_judge(name: str, prompts: Prompts, corpus: Corpus, scorer: Scorer) -> Judge:
    """The judge of that name.

    Args:
        name: one of JUDGES.
        prompts: the prompt texts of the run.
        corpus: all samples of the task; read once by `overlap`, not at all by the others.
        scorer: which released scorer the official judges repeat.

    Raises:
        UserError: there is no such judge.
    """
    if name == "overlap":
        return OverlapJudge(corpus)
    for protocol in (LLAMA3, GPT):
        if name == protocol.name:
            return OfficialJudge(protocol, prompts, scorer)
    known = [info.name for info in JUDGES]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(f"--judge: there is no judge {name!r}.{hint} There are: {', '.join(known)}.")
