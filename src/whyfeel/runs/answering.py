"""The work of a run: every sample answered and judged, and every answer of its controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from whyfeel.engine import Conversing, Route
from whyfeel.judging import Judge
from whyfeel.records import Asking, Judgement, Media, Response, Sample, Unscored
from whyfeel.runs.controls import Control, Respond
from whyfeel.runs.options import RunOptions
from whyfeel.runs.pieces import BAD_PICTURE, Line, Piece, Talks
from whyfeel.runs.plan import ANSWER
from whyfeel.runs.spec import RunSpec
from whyfeel.runs.until import Until
from whyfeel.strategies import Strategy
from whyfeel.tasks import Task

RESPONSES, JUDGEMENTS, CONTROLS = 0, 1, 2  # the files of a run; each control has one more


@dataclass(frozen=True)
class Job:
    """What one sitting does.

    Attributes:
        responses: where the responses come from: one for each sample, None where the strategy is still to be asked.
        primary: whether the folder's own files are written, and not only the judge's.
        warnings: what a reader of the scores should know, in one line each.
        controls: answers whose worth is known, judged after the model's.
        until: decides how many samples count, None where all do.
    """

    spec: RunSpec
    options: RunOptions
    task: Task
    total: int
    samples: Callable[[], Iterator[Sample]]
    responses: Callable[[], Iterator[Response | None]]
    strategy: Strategy | None
    judge: Judge
    routes: Mapping[str, Route]
    bad: Mapping[Media, str]
    primary: bool = True
    warnings: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    until: Until | None = None

    @property
    def pieces(self) -> int:
        """How many pieces its work has."""
        return self.total + sum(control.count for control in self.controls)


class Answering(Talks):
    """A job's work."""

    def __init__(self, job: Job, engine: Conversing) -> None:
        super().__init__(engine)
        self.job = job
        self.judge_id = job.spec.judge.id

    def pieces(self) -> Iterator[Piece]:
        """The run's samples, then the answers of its controls."""
        # one sequence, so that the slots stay busy from the last samples to the first controls
        return chain(self._own(), self._others())

    def _own(self) -> Iterator[Piece]:
        if self.job.until is not None:
            return (partial(self._one, index, sample, None) for index, sample in self.job.until.items())
        items = zip(self.job.samples(), self.job.responses(), strict=False)
        return (partial(self._one, index, *item) for index, item in enumerate(items))

    def _others(self) -> Iterator[Piece]:
        for file, control in enumerate(self.job.controls, CONTROLS):
            for index, (sample, respond) in enumerate(control.answers()):
                yield partial(self._control, control, file, index, sample, respond)

    async def _one(self, index: int, sample: Sample, response: Response | None) -> Sequence[Line]:
        """One sample, from question to verdict; whatever goes wrong with it leaves the others alone."""
        if response is None:
            response = await self._respond(sample)
        judgement = await self._judge(sample, response, self.job.judge)
        if self.job.until is not None:
            self.job.until.judged(index, judgement)
        return (RESPONSES, index, response.to_json()), (JUDGEMENTS, index, judgement.to_json())

    async def _control(
        self, control: Control, file: int, index: int, sample: Sample, respond: Respond
    ) -> Sequence[Line]:
        """One answer of a control, from its text to the verdict."""
        response = await self._said(sample, lambda: respond(sample), self.judge_id)
        judgement = await self._judge(sample, response, control.judge)
        told = {"text": response.text} if control.told else {}
        return ((file, index, told | judgement.to_json()),)

    async def _respond(self, sample: Sample) -> Response:
        strategy = self.job.strategy
        if strategy is None:
            raise AssertionError("a job without responses has a strategy")
        for media in sample.media if any(strategy.roles.values()) else ():
            if (why := self.job.bad.get(media)) is not None:
                return Response(sample.id, "", unscored=Unscored(BAD_PICTURE, why))
        return await self._said(sample, lambda: strategy.respond(sample), ANSWER)

    async def _said(self, sample: Sample, respond: Callable[[], Asking[Response]], purpose: str) -> Response:
        spoken = await self.converse(sample, respond, purpose)
        return Response(sample.id, "", unscored=spoken) if isinstance(spoken, Unscored) else spoken

    async def _judge(self, sample: Sample, response: Response, judge: Judge) -> Judgement:
        if response.unscored is not None:
            return Judgement(sample.id, unscored=response.unscored)
        judged = await self.converse(sample, lambda: judge.judge(sample, response), self.judge_id)
        return Judgement(sample.id, unscored=judged) if isinstance(judged, Unscored) else judged
