"""What `whyfeel annotate plan` prints: the questions that were chosen, and how often each of them came up."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.annotate.questions import QuestionPlan, Topic
from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import visible


def plan_table(plan: QuestionPlan) -> list[RenderableType]:
    """The chosen questions, the next ones, and in the foot what was left out and in which words each was asked."""
    parts: list[RenderableType] = ["", Text("general questions · by pictures asked about", style="bold"), ""]
    if plan.topics:
        parts += [_table(plan.topics, 1), ""]
    if plan.others:
        more = f", and {numbers.count(plan.further)} more" if plan.further else ""
        parts += [Text(f"not chosen{more}", style="bold"), "", _table(plan.others, 1 + len(plan.topics)), ""]
    return [*parts, *(Text(line, style="dim") for line in (*_counts(plan), *_wordings(plan.topics)))]


def _table(topics: Sequence[Topic], first: int) -> Table:
    table = plain_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("question", overflow="fold")
    for head in ("pictures", "share", "95% interval"):
        table.add_column(head, justify="right", no_wrap=True)
    for rank, topic in enumerate(topics, first):
        table.add_row(
            str(rank),
            Text(visible(topic.question)),
            numbers.count(topic.pictures),
            numbers.score(topic.share, 2),
            numbers.interval(topic.interval.low, topic.interval.high),
        )
    return table


def _counts(plan: QuestionPlan) -> list[str]:
    left_out = (
        ("pictures without a usable question", plan.silent),
        ("pictures left out by lot, there being too many questions to compare", plan.passed_over),
        ("questions without a question mark or a word, too long, or too many about one picture", plan.unusable),
    )
    return [
        f"{numbers.count(plan.asked)} questions about {numbers.count(plan.pictures)} pictures",
        *(f"{what}: {numbers.count(n)}" for what, n in left_out if n),
    ]


def _wordings(topics: Sequence[Topic]) -> list[str]:
    """In which other words each chosen question was asked."""
    return [
        f"{rank}. also: {' · '.join(map(visible, topic.wordings))}"
        for rank, topic in enumerate(topics, 1)
        if topic.wordings
    ]
