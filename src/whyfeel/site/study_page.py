"""studies/SLUG.html: what raters were asked, by which rules it counts, and what they chose or how they rated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whyfeel.report import numbers
from whyfeel.report.study_pairs import pairwise_parts, short_pair, with_ends
from whyfeel.report.study_ratings import rating_parts
from whyfeel.report.study_results_table import INTERVALS
from whyfeel.site.book import Book, slugs
from whyfeel.site.drawn import Scale
from whyfeel.site.pages import File, Page
from whyfeel.site.printed import Printed, notes_of, tables_of
from whyfeel.study.collected import STATUSES, Collected
from whyfeel.study.design import Design
from whyfeel.study.folder import StudyFolder
from whyfeel.study.opened import ReadStudy, names_of, read_study
from whyfeel.study.results import results

NO_STORE = (
    "There are no votes in the study's folder. Nobody has begun it yet, or its votes are kept in PostgreSQL, "
    "which a report does not ask."
)
PAIR_HEADS = ("share", "95%, pictures", "95%, Wilson", "votes", "items won")
MEAN_HEADS = ("mean", "95% interval", "items", "votes", "below the middle", "95%")
Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure to be drawn, and the numbers that stand beside it.

    Attributes:
        name: what it is of.
        value, low, high: None where there is none.
        cells: the numbers, as many as the chart has heads.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures on one scale; `said` are sentences beneath them."""

    title: str
    scale: Scale
    heads: tuple[str, ...]
    bars: tuple[Bar, ...]
    said: tuple[str, ...] = ()


class Studies:
    """A page for each study. None of them is unblinded by it: names are told where somebody has asked before."""

    def pages(self, book: Book) -> Iterable[Page]:
        """In the order of the book."""
        return [self._page(path, address) for path, address in addresses(book)]

    def files(self, book: Book) -> Iterator[File]:  # noqa: ARG002 - as every part has it
        """None: bars are drawn in the page."""
        yield from ()

    def _page(self, path: Path, address: str) -> Page:
        read = read_blind(path)
        document = results(read.design, read.collected, read.names)
        names, pairwise = document["systems"], document["kind"] == "pairwise"
        figures = document[document["kind"]]
        parts = pairwise_parts(figures, names) if pairwise else rating_parts(figures, names)
        drawn = len(figures["pairs"]) if pairwise else 1  # tables of what the charts show
        values = {
            "document": document,
            "design": read.design,
            "facts_of": facts_of(read.design),
            "progress": progress_of(read.design, read.collected),
            "charts": preferred(document) if pairwise else rated(document),
            "tables": tables_of(parts)[drawn:] if document["votes"] else (),
            "notes": [*notes_of(parts), *document["notes"], INTERVALS],
            "said": said_of(document),
            "rules": rules_of(document),
            "plain": plain_of(document),
            "empty": "" if StudyFolder(path).store.is_file() else NO_STORE,
        }
        return Page(address, document["title"], "study.html", values)


def addresses(book: Book) -> list[tuple[Path, str]]:
    """The studies of a book, and the addresses of their pages."""
    slug = slugs()
    return [(path, f"studies/{slug(path.resolve().name)}") for path in book.studies]


def read_blind(path: Path) -> ReadStudy:
    """A study as it is, with the names of its systems only where it is unblinded already.

    Raises:
        UserError, DataError, StoreFailed: as `read_study`.
    """
    read = read_study(path, None)
    if read.collected.unblinding is None:
        return read
    return replace(read, names=names_of(StudyFolder(path), read.design))


def facts_of(design: Design) -> list[Fact]:
    """What was asked of whom, a line each; the rules are told apart."""
    terms, scale, texts = design.terms, design.scale, design.texts
    told = {
        "kind": "two texts are compared" if scale is None else "a text is rated",
        "question": texts.question,
        "scale": "" if scale is None else _scale(scale.low, scale.high, scale.anchors),
        "items": numbers.count(len(design.items)),
        "votes wanted of each": numbers.count(terms.ratings),
        "items a rater gets at most": numbers.count(terms.items),
        "of them shown twice": numbers.count(terms.repeats),
        "attention checks": numbers.count(terms.attention),
        "entry": terms.entry + (f", {numbers.count(terms.seats)} links" if terms.seats else ""),
        "task": design.task,
        "seed": str(design.seed),
        "created": design.created,
        "design": design.digest,
    }
    left_out = [(f"made no item: {why}", numbers.count(n)) for why, n in design.left_out.items()]
    return [(name, value) for name, value in told.items() if value] + left_out


def _scale(low: int, high: int, anchors: Mapping[int, str]) -> str:
    named = ", ".join(f"{point}: {text}" for point, text in sorted(anchors.items()))
    return f"{low} to {high}{f' ({named})' if named else ''}"


def progress_of(design: Design, collected: Collected) -> list[Fact]:
    """How many raters came how far."""
    counts = {status: sum(rater.status == status for rater in collected.raters) for status in STATUSES}
    told = [(f"raters {status}", numbers.count(n)) for status, n in counts.items() if n]
    wanted = len(design.items) * design.terms.ratings
    return [("votes wanted", numbers.count(wanted)), ("raters", numbers.count(len(collected.raters))), *told]


def preferred(document: Mapping[str, Any]) -> list[Chart]:
    """The shares of each pair of systems, with the ratio and how far people agree."""
    names = document["systems"]
    charts = []
    for one in document["pairwise"]["pairs"]:
        called = {"A": names[str(one["a"])], "B": names[str(one["b"])]}
        bars = [
            _share(called.get(choice, choice), share, one["majorities"][choice])
            for choice, share in one["shares"].items()
        ]
        alpha, same = (with_ends(one["agreement"][name]) for name in ("alpha", "same"))
        said = (
            f"{short_pair(one, names)} ({_both(one['ratio'], 2)}).",
            f"Items without a majority: {numbers.count(one['majorities']['none'])}.",
            f"Agreement: alpha {alpha}; two votes of an item alike {same}.",
        )
        charts.append(Chart(f"{called['A']} : {called['B']}", Scale(0, 1), PAIR_HEADS, tuple(bars), said))
    return charts


def _share(name: str, share: Mapping[str, Any], won: int) -> Bar:
    """A share; it is drawn with the interval of whole pictures, or Wilson's where these give none."""
    ends = share["clustered"] if share["clustered"]["low"] is not None else share["wilson"]
    intervals = (numbers.interval(share[how]["low"], share[how]["high"], 3) for how in ("clustered", "wilson"))
    counts = numbers.count(share["count"]), numbers.count(won)
    cells = (numbers.score(share["value"]), *intervals, *counts)
    return Bar(name, share["value"], ends["low"], ends["high"], cells)


def _both(one: Mapping[str, Any], digits: int) -> str:
    ends = (numbers.interval(one[how]["low"], one[how]["high"], digits) for how in ("clustered", "wilson"))
    return "95%, pictures {}; Wilson {}".format(*ends)


def rated(document: Mapping[str, Any]) -> list[Chart]:
    """The mean of each system on the scale."""
    names, figures = document["systems"], document["rating"]
    low, high = figures["scale"]
    bars = []
    for one in figures["systems"]:
        below = one["below_middle"]
        cells = (
            *(numbers.score(one["value"], 2), numbers.interval(one.get("low"), one.get("high"))),
            *(numbers.count(one["n"]), numbers.count(one["votes"]), numbers.score(below["value"], 2)),
            numbers.interval(below["clustered"]["low"], below["clustered"]["high"]),
        )
        bars.append(Bar(names[str(one["system"])], one["value"], one.get("low"), one.get("high"), cells))
    return [Chart(f"Mean rating, {low} to {high}", Scale(low, high), MEAN_HEADS, tuple(bars))]


def said_of(document: Mapping[str, Any]) -> list[Fact]:
    """Repeats, the sides, seconds and skips, a line each."""
    same, seconds, skipped = document["repeats"]["same"], document["seconds"], document["skips"]
    told = [("repeats answered as before", with_ends(same) + (f" of {numbers.count(same['n'])}" if same["n"] else ""))]
    if document["kind"] == "pairwise":
        left = document["pairwise"]["left"]
        told.append(("the left side was chosen", f"{with_ends(left)} of {numbers.count(left['n'])} decided votes"))
        strengths = document["pairwise"]["strengths"]
        if "side" in strengths:
            told.append(("what standing on the left is worth, in log odds", with_ends(strengths["side"])))
    elif same["n"]:
        told.append(
            ("repeats lie apart, on average", f"{numbers.score(document['repeats']['apart']['value'], 2)} points")
        )
    if seconds["n"]:
        low, high = map(numbers.duration, seconds["quartiles"])
        told.append(("an answer takes", f"{numbers.duration(seconds['median'])} (half of them {low} to {high})"))
    return [*told, ("skips", numbers.count(skipped["n"]))]


def rules_of(document: Mapping[str, Any]) -> Printed:
    """Whom the design's rules leave out, and the votes that go with them."""
    told = document["exclusions"]["by_rule"]
    heads = ("left out by rule", "raters", "applies to", "votes")
    rows = [(rule, *(numbers.count(one[key]) for key in ("raters", "applies", "votes"))) for rule, one in told.items()]
    return Printed.of(heads, rows)


def plain_of(document: Mapping[str, Any]) -> Printed:
    """The main figures by the rules, and as they would be if nobody was left out."""
    plain, kind = document["without_exclusions"], document["kind"]
    rows = [("votes", numbers.count(document["votes"]), numbers.count(plain["votes"]))]
    if kind == "pairwise":
        both = [_of_pairs(one["pairs"], document["systems"]) for one in (document[kind], plain)]
    else:
        both = [_of_systems(one["systems"], document["systems"]) for one in (document[kind], plain)]
    rows += [(name, counted, every) for (name, counted), (_, every) in zip(*both, strict=True)]
    return Printed.of(("", "by the rules", "without exclusions"), rows)


def _of_pairs(pairs: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Fact]:
    told = []
    for one in pairs:
        a, b = names[str(one["a"])], names[str(one["b"])]
        for choice, called in (("A", a), ("B", b)):
            told.append((f"{a} : {b}, share of {called}", numbers.score(one["shares"][choice]["value"])))
        told.append((f"{a} : {b}, ratio", numbers.score(one["ratio"]["value"], 2)))
    return told


def _of_systems(systems: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Fact]:
    return [(f"mean of {names[str(one['system'])]}", numbers.score(one["value"], 2)) for one in systems]
