"""The controls of a run: answers whose worth is known, judged as the model's own are.

The seven baselines, and canaries that talk to the judge; on request, what the model itself says of a blank picture, of
another sample's picture, and of an emotion that nobody said the person has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from whyfeel.errors import UserError
from whyfeel.judging import CANARY_SAMPLES, Judge, ObjectionJudge, canaries_of
from whyfeel.media import BLANK
from whyfeel.prompts import Prompts
from whyfeel.records import Asking, Media, Response, Sample, rng
from whyfeel.runs.options import MODEL_CONTROLS, NO_CONTROLS, RunOptions
from whyfeel.runs.select import some
from whyfeel.strategies import BASELINES, Strategy, build_baseline
from whyfeel.tasks import Task

CONTROL_SAMPLES = 100  # where the judge or the control asks a model
CONTROL_FOILS = 1  # a sample, where the judge asks a model
CANARY = "canaries"
Samples = Callable[[], Iterable[Sample]]
Respond = Callable[[Sample], Asking[Response]]


@dataclass(frozen=True)
class Control:
    """One control.

    Attributes:
        name: as it stands in summary.json.
        count: how many answers it has.
        answers: each with the sample that it is judged against.
        judge: who judges them.
        told: whether its answers are kept beside the judgements: those that nothing else tells.
    """

    name: str
    count: int
    answers: Callable[[], Iterator[tuple[Sample, Respond]]]
    judge: Judge
    told: bool = False


def control_samples(options: RunOptions, samples: Samples) -> list[Sample]:
    """The samples that the controls take where something is paid for."""
    return some(samples, CONTROL_SAMPLES, options.seed, "controls")


def plan_controls(
    options: RunOptions,
    task: Task,
    samples: Samples,
    total: int,
    judges: tuple[Judge, Judge],
    held: Sequence[Sample],
    asking: Sequence[Control] = (),
) -> tuple[Control, ...]:
    """The controls that belong to a judge.

    Args:
        samples: those of the run, in the task's order.
        total: how many they are.
        judges: the bare judge, which the canaries are put to, and the one with foils for the held samples.
        held: `control_samples`, for a judge that calls a model.
        asking: the controls that ask the model, see `model_controls`.
    """
    bare, judge = judges
    paid = bool(bare.roles)
    controls = []
    if options.controls != NO_CONTROLS:
        for name in BASELINES:
            respond = build_baseline(name, task, options.seed).respond
            # a few answers are taken at once, so that what a baseline holds of a large data set is let go
            answers = _taken(held, respond) if paid else _answered(samples, respond)
            controls.append(Control(name, len(held) if paid else total, answers, judge))
    controls += asking
    if paid:
        few = some(lambda: held, CANARY_SAMPLES, options.seed, CANARY)
        said = canaries_of(bare.name)
        controls.append(Control(CANARY, len(few) * len(said), _canaries(few, said), bare, told=True))
    return tuple(controls)


def model_controls(
    options: RunOptions,
    task: Task,
    samples: Sequence[Sample],
    strategy: Strategy,
    judge: Judge,
    prompts: Prompts,
    bad: Mapping[Media, str],
) -> tuple[Control, ...]:
    """The controls of `--controls` that ask the model under test, with the run's own strategy.

    Args:
        samples: `control_samples`.
        strategy, judge, prompts: of the run; the judge with foils for these samples.
        bad: pictures that cannot be sent; samples that show one are left out.

    Raises:
        UserError: a picture is to be taken away where none is shown, or the task has one emotion only.
    """
    names = [name for name in (options.controls or "").split(",") if name in MODEL_CONTROLS]
    held = [one for one in samples if not any(media in bad for media in one.media)]
    controls = []
    for name in names:
        if name == "wrong-emotion":
            by: Judge = ObjectionJudge()
            shown = own = _wrong_emotion(held, task.groups, prompts, options.seed)
        elif any(strategy.roles.values()) and any(sample.media for sample in held):
            by, own = judge, held
            shown = _blank(held) if name == "blank" else _swapped(held, options.seed)
        else:
            raise UserError(f"--controls {name}: the run shows no pictures")
        answers = [(one, _fixed(strategy, seen)) for one, seen in zip(own, shown, strict=True)]
        controls.append(Control(name, len(answers), partial(iter, answers), by, told=True))
    return tuple(controls)


def _answered(samples: Samples, respond: Respond) -> Callable[[], Iterator[tuple[Sample, Respond]]]:
    return lambda: ((sample, respond) for sample in samples())


def _taken(samples: Sequence[Sample], respond: Respond) -> Callable[[], Iterator[tuple[Sample, Respond]]]:
    return partial(iter, [(sample, _given(respond(sample))) for sample in samples])


def _given(asking: Asking[Response]) -> Respond:
    """The answer of a strategy that asks nothing, to be given again."""
    try:
        next(asking)
    except StopIteration as stop:
        return _said(stop.value)
    raise AssertionError("a baseline asks nothing")


def _canaries(samples: Sequence[Sample], said: Sequence[str]) -> Callable[[], Iterator[tuple[Sample, Respond]]]:
    return lambda: ((sample, _said(Response(sample.id, text))) for sample in samples for text in said)


def _said(response: Response) -> Respond:
    def respond(_: Sample) -> Asking[Response]:
        yield from ()
        return response

    return respond


def _fixed(strategy: Strategy, shown: Sample) -> Respond:
    """The strategy's answer to another version of the sample that is judged."""
    return lambda _: strategy.respond(shown)


def _blank(samples: Sequence[Sample]) -> list[Sample]:
    return [replace(sample, media=tuple(BLANK for _ in sample.media)) for sample in samples]


def _swapped(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """Each sample with the pictures of another one that shows another picture."""
    pictured = [sample for sample in samples if sample.media]
    swapped = []
    for sample in samples:
        others = [one for one in pictured if one.cluster != sample.cluster]
        if not others:
            raise UserError("--controls swap: the samples have one picture only")
        other = others[int(rng(seed, "swap", sample.id).integers(len(others)))]
        swapped.append(replace(sample, media=other.media))
    return swapped


PLEASANT = frozenset(("happy", "excited"))


def _wrong_emotion(samples: Sequence[Sample], groups: Sequence[str], prompts: Prompts, seed: int) -> list[Sample]:
    """Each sample asked about an emotion of the other sign where the task has one, else about any other."""
    asked = []
    for sample in samples:
        others = [one for one in groups if one not in {sample.emotion, "other"}]
        if not others:
            raise UserError("--controls wrong-emotion: the task has one emotion only")
        opposite = [one for one in others if (one in PLEASANT) != (sample.emotion in PLEASANT)] or others
        wrong = opposite[int(rng(seed, "wrong emotion", sample.id).integers(len(opposite)))]
        question = prompts.fill("controls", "wrong_emotion", emotion=wrong)
        asked.append(replace(sample, question=question, emotion=wrong, word=""))
    return asked
