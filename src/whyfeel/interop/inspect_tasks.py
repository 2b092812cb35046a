"""Our tasks for Inspect: `inspect eval whyfeel/eibench_basic`, with the prompts, judges and scores of `whyfeel run`.

Inspect finds this module by its entry point. Nothing is read before one of the tasks is made.
"""

# mypy: disallow_untyped_decorators = False
# (Inspect's types are not read: that takes a minute)
from __future__ import annotations

from dataclasses import fields
from typing import Any

from inspect_ai import Task as InspectTask
from inspect_ai import task
from inspect_ai._util.error import PrerequisiteError  # the only exception that its commands tell in one line
from inspect_ai.dataset import MemoryDataset
from inspect_ai.dataset import Sample as InspectSample
from inspect_ai.model import Model, ModelOutput, get_model
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from pydantic import TypeAdapter, ValidationError

from whyfeel.errors import AskFailed, UserError, brief
from whyfeel.interop.inspect_bench import Bench, Choices, bench_of, in_order, unanswered
from whyfeel.interop.inspect_model import conversing, reply_of
from whyfeel.media import MediaStore
from whyfeel.records import Judgement, Response, Sample, Unscored
from whyfeel.strategies.self_ask import HELPED

ANSWERED = "whyfeel:response"  # where the solver leaves the response for the scorer


@task
def eibench_basic(**choices: Any) -> InspectTask:  # noqa: ANN401 - as the command line has them
    """EIBench: why does this person feel that way? Four emotions."""
    return _task("eibench-basic", choices)


@task
def eibench_complex(**choices: Any) -> InspectTask:  # noqa: ANN401
    """EIBench: two or more emotions of the people in one picture."""
    return _task("eibench-complex", choices)


@task
def socratis(**choices: Any) -> InspectTask:  # noqa: ANN401
    """Socratis: why would a person feel that about this picture? With `-T strategy=reason`, as its paper asks."""
    return _task("socratis", choices)


@task
def jsonl(**choices: Any) -> InspectTask:  # noqa: ANN401
    """Your own records."""
    return _task("jsonl", choices)


@task
def scenes(**choices: Any) -> InspectTask:  # noqa: ANN401
    """The drawn scenes that come with whyfeel."""
    return _task("scenes", choices)


def _task(name: str, given: dict[str, Any]) -> InspectTask:
    bench = _bench(given := {"task": name, **given})
    samples = [
        InspectSample(
            input=one.question,
            target=[trigger.text for trigger in one.triggers],
            id=one.id,
            metadata={"emotion": one.emotion, "image": one.cluster},
        )
        for one in bench.samples.values()
    ]
    return InspectTask(
        dataset=MemoryDataset(samples, name=name),
        solver=strategy(**given),
        scorer=judge(**given),
        metrics=[estimates(**given)],
        version=bench.judge.version or 0,
    )


def _bench(given: dict[str, Any]) -> Bench:
    """What the choices come to; a mistake in them is told in one line."""
    known = [one.name for one in fields(Choices)]
    if unknown := [name for name in given if name not in known]:
        raise PrerequisiteError(f"whyfeel: there is no choice {unknown[0]!r}; there are {', '.join(known[1:])}")
    models = given.get("judge_model", ())
    named = models.split(",") if isinstance(models, str) else models
    try:
        return bench_of(TypeAdapter(Choices).validate_python({**given, "judge_model": named}))
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{first['loc'][0]}: {first['msg'][:1].lower()}{first['msg'][1:]}; got {brief(first['input'])}"
        raise PrerequisiteError(f"whyfeel: {message}") from None
    except UserError as mistake:
        raise PrerequisiteError(f"whyfeel: {mistake}") from None


@solver
def strategy(**given: Any) -> Solver:  # noqa: ANN401
    """One of our strategies: it asks the model under test, roles "captioner" and "helper" what is theirs."""
    bench = _bench(given)
    media = MediaStore(bench.task.images, max_side=bench.choices.max_side)

    async def solve(state: TaskState, _generate: Generate) -> TaskState:
        sample = bench.samples[str(state.sample_id)]
        engine = conversing({role: get_model(role=_played(role)) for role in bench.strategy.roles}, media)
        try:
            response = await engine.converse(bench.strategy.respond(sample), "answer")
        except AskFailed as failed:
            response = Response(sample.id, "", unscored=Unscored(failed.reason, failed.detail))
        state.store.set(ANSWERED, response.to_json())
        state.output = ModelOutput.from_content(str(state.model), response.text)
        state.messages.append(state.output.message)
        return state

    return solve


def _played(role: str) -> str | None:
    """What Inspect calls a role; None for the model under test, which also plays the roles nobody was named for."""
    return "captioner" if role == "caption" else "helper" if role in HELPED else None


@metric(scores="unreduced")
def estimates(**given: Any) -> Metric:  # noqa: ANN401
    """The scores of summary.json, with intervals clustered by picture, over all samples that were judged."""
    bench = _bench(given)

    def estimated(scores: list[SampleScore]) -> Value:
        judged = [(str(one.sample_id), Judgement.from_json((one.score.metadata or {})["judgement"])) for one in scores]
        return bench.estimates(in_order(bench, judged))

    return estimated


@scorer(metrics=[])
def judge(**given: Any) -> Scorer:  # noqa: ANN401
    """One of our judges, on the response of our strategy, or on what any other solver made the output."""
    bench = _bench(given)
    media = MediaStore(bench.task.images, max_side=bench.choices.max_side)
    models = _judges(bench)

    async def score(state: TaskState, _target: Target) -> Score:
        sample = bench.samples[str(state.sample_id)]
        response = _answered(state, sample)
        judgement = unanswered(response)
        if judgement is None:
            try:
                judgement = await conversing(models, media).converse(bench.judge.judge(sample, response), "judge")
            except AskFailed as failed:
                judgement = Judgement(sample.id, unscored=Unscored(failed.reason, failed.detail))
        told = judgement.unscored
        # a plain NaN would be kept from the metric, which needs to know what is unscored
        return Score(
            value=bench.scores_of(sample, judgement),
            answer=response.text,
            reason=told.reason if told else None,
            explanation=told.detail if told else None,
            metadata={"judgement": judgement.to_json(), "outcome": response.outcome},
        )

    return score


def _judges(bench: Bench) -> dict[str, Model]:
    """Role to model; one that nobody named is Inspect's role "judge", which must then be there."""
    roles, named = bench.judge.roles, bench.choices.judge_model
    if not named:
        return {role: get_model(role="judge", required=True) for role in roles}
    return {role: get_model(name) for role, name in zip(roles, named, strict=True)}


def _answered(state: TaskState, sample: Sample) -> Response:
    line = state.store.get(ANSWERED)
    if line is not None:
        return Response.from_json(line)
    reply = reply_of(state.output)
    return Response(sample.id, reply.text, reply.outcome)
