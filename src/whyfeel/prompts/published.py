"""The published wording, out of the user's own copy of the released EIBench repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from whyfeel.errors import DataError
from whyfeel.prompts.scripts import Found, judging_in, question_in

Source = tuple[Mapping[str, str], str]  # a prompt's texts, and where they come from

TASKS = ("eibench-basic", "eibench-complex")

# The scripts of each task, in the order of TASKS, below the folder that holds EI_Basic/ and baselines/.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "llava": (
        "baselines/LLaVA/llava/serve/ec_basic_llava.py",
        "baselines/LLaVA/llava/serve/ec_complex_llava.py",
    ),
    "qwen": ("baselines/qwen/qwen_user.py", "baselines/qwen/qwen_complex.py"),
    "gpt": ("baselines/ChatGPT-4/gpt4-basic.py", "baselines/ChatGPT-4/gpt4-score-complex.py"),
    "claude": ("baselines/Claude-3/claude_basic.py", "baselines/Claude-3/claude_complex.py"),
    "minigpt": (
        "baselines/MiniGPT4-v2/ec_basic_minigpt4v2.py",
        "baselines/MiniGPT4-v2/ec_complex_minigpt4v2.py",
    ),
    "otter": ("baselines/Otter/ec_basic_otter.py", "baselines/Otter/ec_complex_otter.py"),
    "video-llava": ("baselines/video-llava.py", "baselines/video-llava.py"),
}
JUDGES: Mapping[str, tuple[str, str]] = {
    "official-llama3": ("EI_Basic/llama3-eval.py", "EI_Complex/llama3-eval-complex.py"),
    "official-gpt": ("EI_Basic/gpt-eval.py", "EI_Complex/gpt-eval-complex.py"),
}

# The last sentence, where it asks for chain of thought, with the blank before it. It holds no field: the question's own
# sentence may lack an end.
STEPS = re.compile(r"\s+[^.!?$]*\bstep by step\b[^.!?$]*[.!?]*\s*\Z", re.IGNORECASE)


def published_prompts(family: str, data: Path | None, task: str, judge: str) -> dict[str, Source]:
    """The prompts "direct", "cot" and, for an official judge, "official", each with where it comes from.

    Some scripts end in a sentence that asks for reasoning step by step. It is split off, so that "direct" is plain and
    "cot" appends the published sentence. Where neither the family's script of the task nor its basic one has that
    sentence, it is LLaVA's; where that script is not there, "cot" is left out.

    Args:
        family: one of FAMILIES.
        data: the folder that holds EI_Basic/ and baselines/.
        task: one of TASKS; their scripts differ.
        judge: the name of a judge; one that is not official has no published wording.

    Raises:
        DataError: there is no such family or task, or a script is not what it should be.
    """
    if family not in FAMILIES:
        raise DataError(f"--prompts: EIBench has no wording for {family!r}; choose one of: {', '.join(FAMILIES)}")
    if task not in TASKS or data is None:
        wanted = " and ".join(TASKS)
        raise DataError(f"--prompts eibench: the published wording goes with {wanted} and their --data, not {task!r}")
    if not (data / "baselines").is_dir():
        where = f"expected beside EI_Basic/ the folder {str(data / 'baselines')!r}"
        raise DataError(f"--prompts eibench: {where}, as in the released repository")
    which = TASKS.index(task)
    basic, script = FAMILIES[family][0], FAMILIES[family][which]
    question = question_in(data / script)
    sources: dict[str, Source] = {"direct": ({"user": STEPS.sub("", question.template)}, _origin(script, question))}
    if (cot := _steps(data, script, basic, FAMILIES["llava"][0])) is not None:
        sources["cot"] = cot
    if judge in JUDGES:
        script = JUDGES[judge][which]
        system, user = judging_in(data / script)
        sources["official"] = {"system": system.template, "user": user.template}, _origin(script, system, user)
    return sources


def _steps(data: Path, *scripts: str) -> Source | None:
    """The sentence that asks for chain of thought, of the first script that has one."""
    for script in scripts:
        if (data / script).is_file():
            question = question_in(data / script)
            if sentence := STEPS.search(question.template):
                return {"suffix": sentence[0]}, _origin(script, question)
    return None


def _origin(script: str, *found: Found) -> str:
    lines = sorted({line for one in found for line in one.lines})
    return f"EIBench {script} line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
