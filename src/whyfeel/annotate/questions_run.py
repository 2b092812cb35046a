"""`whyfeel annotate plan`: questions about a sample of the pictures, and those among them that come up most often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whyfeel.annotate.execute import PURPOSE, Gathered, Inquiry, gather
from whyfeel.annotate.manifest import ANNOTATE_PLAN
from whyfeel.annotate.options import PlanOptions
from whyfeel.annotate.plan import Plan, plan_asking
from whyfeel.annotate.plan_file import write_plan
from whyfeel.annotate.questions import QuestionPlan, plan_from
from whyfeel.annotate.subjects import Subjects, open_subjects
from whyfeel.prompts import load_prompts
from whyfeel.records import Asking, Sample, Unscored
from whyfeel.runs.folder import RunFolder, write_json, write_whole
from whyfeel.runs.phases import phases_of
from whyfeel.runs.select import some
from whyfeel.runs.sitting import Watch
from whyfeel.runs.spec import prompt_hashes
from whyfeel.strategies.self_ask.questioning import DESCRIBE, QUESTION, Questioning

QUESTIONS, PLAN = "questions.jsonl", "plan.toml"


@dataclass(frozen=True)
class PlanResult:
    """A finished plan.

    Attributes:
        plan: the questions with their evidence.
        file: the plan that `whyfeel annotate --plan` takes.
        summary: what summary.json holds.
        faults: samples that an internal fault left without questions, with the exceptions' names.
    """

    plan: QuestionPlan
    file: Path
    summary: dict[str, Any]
    faults: tuple[str, ...] = ()


def plan_questions(options: PlanOptions, watch: Watch) -> PlanResult:
    """Have questions written about a sample of a source, and choose the frequent ones.

    Run again with the same options, it makes no call whose answer is durable and writes the same plan.

    Raises:
        UserError: an option, the source or the folder is not what it should be, or no usable question was asked.
        RunStopped, Interrupted: the run cannot go on; the same command resumes it.
    """
    prompts = load_prompts(options.prompts)
    subjects = open_subjects(options, prompts)
    drawn = some(lambda: _one_a_picture(subjects), options.sample, options.seed, "annotate plan")
    writer = Questioning(prompts, options.each)
    spec = {
        "settings": {"sample": options.sample, "each": options.each, "questions": options.questions},
        "prompts": prompt_hashes(prompts, writer.prompts),
    }
    plan = plan_asking(options, subjects, lambda: iter(drawn), prompts, (DESCRIBE, QUESTION), spec, calls=True)
    ids = [sample.id for sample in drawn]

    def finish(folder: RunFolder, gathered: Gathered) -> PlanResult:
        return _finished(options, plan, ids, folder, gathered)

    return gather(Inquiry(ANNOTATE_PLAN, plan, lambda sample: _asked(writer, sample), _lost), watch, finish)


def _one_a_picture(subjects: Subjects) -> Iterator[Sample]:
    """The first sample of each picture: what is asked about a picture often must not seem frequent for that."""
    seen: set[str] = set()
    for sample in subjects.samples():
        if sample.cluster not in seen:
            seen.add(sample.cluster)
            yield sample


def _asked(writer: Questioning, sample: Sample) -> Asking[dict[str, Any]]:
    questioned = yield from writer.question(sample)
    value = asdict(questioned)
    return {"id": value.pop("sample_id"), **value, "unscored": None}


def _lost(sample: Sample, why: Unscored) -> dict[str, Any]:
    return {"id": sample.id, "description": "", "questions": [], "steps": [], "flags": [], "unscored": asdict(why)}


def _finished(options: PlanOptions, plan: Plan, ids: list[str], folder: RunFolder, gathered: Gathered) -> PlanResult:
    write_whole(folder.path / QUESTIONS, gathered.lines.lines())
    found = plan_from({line["id"]: line["questions"] for line in gathered.lines}, options)
    made = {"vlm": plan.spec["vlm"], "llm": plan.spec["llm"], "source": plan.spec["source"], "seed": options.seed}
    write_plan(folder.path / PLAN, found, {**made, "samples": ids})
    totals = gathered.ledger.totals([PURPOSE])
    summary = {
        "kind": ANNOTATE_PLAN,
        **made,
        "questions": list(found.questions),
        "evidence": found.to_json(),
        "phases": phases_of(gathered.ledger, PURPOSE, plan.routes),
        "calls": totals.calls,
        "cost": totals.cost,
        "seconds": round(gathered.seconds, 2),
    }
    write_json(folder.summary, summary)
    return PlanResult(found, folder.path / PLAN, summary, gathered.faults)
