"""runs/RUN.html: what was run and with which words, what every judge made of it, and how to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError
from whyfeel.report import numbers
from whyfeel.report.calibration_table import calibration_table
from whyfeel.report.summary_table import summary_table
from whyfeel.report.words import label, visible
from whyfeel.runs.folder import RunFolder, misfit, read_json
from whyfeel.site.asked import asks_of
from whyfeel.site.book import Board, Book, Judged, RunView
from whyfeel.site.drawn import Scale, scale
from whyfeel.site.pages import File, Page
from whyfeel.site.printed import Printed, notes_of, tables_of
from whyfeel.site.reproduce import Reproduction, citation, judge_again, papers, run_again

NAMED = 20  # samples that are named of each reason
CALIBRATION = "calibration.json"  # what `whyfeel calibrate RUN --json` printed, kept in the run folder
ESTIMATE: Mapping[str, Any] = {**dict.fromkeys(("value", "low", "high"), float | int | None), "n": int}
# what the page relies on
SUMMARY: Mapping[str, Any] = {
    **dict.fromkeys(("task", "model", "strategy", "judge", "note"), str),
    **dict.fromkeys(("n", "scored", "calls"), int),
    **dict.fromkeys(("unscored", "outcomes", "headline", "scores", "controls", "controlled", "left_out"), dict),
    "warnings": [str],
    "tokens": {"in": int, "out": int},
    "cost": float | int | None,
    "seconds": float | int,
}
CALIBRATED: Mapping[str, Any] = {
    **dict.fromkeys(("task", "model", "strategy", "judge", "score", "labels"), str),
    "raters": dict,
    "groups": {"overall": dict.fromkeys(("judge", "labels", "corrected"), ESTIMATE)},
}
Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """Samples without a score, for one reason: how many, and the ids of the first of them."""

    reason: str
    n: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One score of a summary: its label, and its estimates by group as summary.json has them."""

    label: str
    groups: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class JudgeTold:
    """What one judge made of the run.

    Attributes:
        title: the judge.
        summary: its summary.json.
        verdict: whether the headline stands, in words; `stands` is False where it was refused.
        scores: the headline first.
        scale: of the drawings of them.
        controls, phases: None where there are none.
        notes: what the command says beneath its tables, warnings apart.
        failed: the samples without a score, by reason.
        again: how the judge is asked again; None for the first one, which comes with the run.
        cite: the sentence that names run and judge.
    """

    title: str
    summary: Mapping[str, Any]
    verdict: str
    stands: bool
    scores: tuple[Score, ...]
    scale: Scale
    controls: Printed | None
    phases: Printed | None
    notes: tuple[str, ...]
    failed: tuple[Failed, ...]
    again: Reproduction | None
    cite: str


class RunPages:
    """A page for each run."""

    def pages(self, book: Book) -> Iterable[Page]:
        """In the order of the boards and of the runs on each."""
        return (self._page(board, run) for board in book.boards for run in board.runs)

    def files(self, book: Book) -> Iterator[File]:  # noqa: ARG002 - as every part has it
        """None: the page shows tables."""
        yield from ()

    def _page(self, board: Board, run: RunView) -> Page:
        judges = [judge_told(run, judged) for judged in run.judges]
        values = {
            "explorer": f"explore/{board.slug}",
            "run": run.slug,
            "facts_of": facts_of(run),
            "prompts": prompts_of(run),
            "asked": asks_of(run),
            "judges": judges,
            "calibration": calibration_of(run.path),
            "again": run_again(run.path.absolute(), passed_on(run.manifest), run.judges[0].summary["controls"]),
            "papers": papers(run.manifest),
        }
        return Page(f"runs/{run.slug}", run.name, "run.html", values)


def judge_told(run: RunView, judged: Judged) -> JudgeTold:
    """What the page tells of one judge.

    Raises:
        DataError: its summary.json lacks something.
    """
    summary = judged.summary
    if (wrong := misfit(summary, SUMMARY)) is not None:
        file = str(RunFolder(run.path).judge(judged.id).summary)
        raise DataError(f"{file!r} is damaged: it should hold {wrong!r}; run the judge again")
    parts = summary_table(summary, run.path)
    tables = list(tables_of(parts))[1:]  # the first has the scores, of which the page tells more
    controls = tables.pop(0) if summary["controls"] else None
    warned = {visible(one[:1].upper() + one[1:]) for one in summary["warnings"]}
    verdict, stands = verdict_of(summary)
    first = judged is run.judges[0]
    return JudgeTold(
        title=judged.title,
        summary=summary,
        verdict=verdict,
        stands=stands,
        scores=tuple(Score(label(name), by) for name, by in _headline_first(summary).items()),
        scale=scale_of(summary),
        controls=controls,
        phases=tables[0] if tables else None,
        notes=tuple(one for one in notes_of(parts)[:-1] if one not in warned),  # the last says where files lie
        failed=failed_of(judged),
        again=None if first else judge_again(run.path.absolute(), run.manifest, judged.id, summary["controls"]),
        cite=citation(run.manifest, judged.finished.judge),
    )


def verdict_of(summary: Mapping[str, Any]) -> tuple[str, bool]:
    """Whether the headline stands, and by what, in words."""
    if (why := summary["headline"].get("refused")) is not None:
        return f"There is no headline: {why}. Every value is told all the same.", False
    name, controls, canaries = summary["headline"]["score"], summary["controls"], summary.get("canaries")
    held = []
    if (stuffed := controls.get("stuff", {}).get(name)) is not None:
        held.append(f"a list of common triggers scores {numbers.score(stuffed)}")
    if (oracle := controls.get("oracle", {}).get(name)) is not None:
        held.append(f"the annotation itself {numbers.score(oracle)}")
    if canaries:
        held.append(f"none of {numbers.count(canaries['n'])} answers that talk to the judge earned anything")
    if not held:
        return f"The headline is {label(name)}. It stands between no controls: this judge was given none.", True
    return f"The headline, {label(name)}, stands: {', '.join(held)}.", True


def scale_of(summary: Mapping[str, Any]) -> Scale:
    """The scale on which all scores over all samples are drawn, with their intervals."""
    overall = [by["overall"] for by in summary["scores"].values() if "overall" in by]
    return scale(one[end] for one in overall for end in ("value", "low", "high"))


def failed_of(judged: Judged) -> tuple[Failed, ...]:
    """The samples that a judge left unscored, by reason, the commonest first."""
    ids: dict[str, list[str]] = {}
    for sample, judgement in zip(judged.finished.ids, judged.finished.judgements, strict=True):
        if judgement.unscored is not None:
            ids.setdefault(judgement.unscored.reason, []).append(sample)
    ranked = sorted(ids.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return tuple(Failed(reason, len(these), tuple(these[:NAMED])) for reason, these in ranked)


def facts_of(run: RunView) -> list[Fact]:
    """What was run, a line each, as run.json has it."""
    manifest, spec = passed_on(run.manifest), run.manifest["spec"]
    selection = manifest["selection"]
    told = {
        "task": spec["task"],
        "model": spec["model"],
        "strategy": spec["strategy"],
        "sampling settings": settings_of(spec["gen"]),
        "asked without the picture": spec.get("helper", ""),
        "captions by": " ".join(f"{kind} {value}" for kind, value in spec.get("captions", {}).items()),
        "pictures are sent as": spec.get("pictures", ""),
        "samples": numbers.count(len(run.ids)),
        "selection": ", ".join(f"{name} {value}" for name, value in selection.items() if value is not None) or "all",
        "seed": str(spec["seed"]),
        "run id": str(manifest.get("id", "")),
        "begun": str(manifest.get("created", "")),
        "whyfeel": str(manifest.get("whyfeel", "")),
        "data": manifest["data"] or "",
        "images": manifest["images"] or "",
    }
    hashes = [(f"SHA-256 of {name}", str(digest)) for name, digest in spec["data"].items()]
    asked = [(f"{one['role']} asked at", f"{one['address'] or 'a ledger'} ({one['model']})") for one in _asked(run)]
    reused = [("answers reused from", str(one)) for one in manifest.get("reuse", ())]
    return [(name, value) for name, value in told.items() if value] + hashes + asked + reused


def passed_on(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run.json without where folders lie on the machine of whoever made the report: it is handed to others."""
    named = {name: Path(manifest[name]).name for name in ("data", "images") if manifest[name]}
    return {**manifest, **named, "reuse": [Path(one).name for one in manifest.get("reuse", ())]}


def _asked(run: RunView) -> list[Mapping[str, Any]]:
    return list(run.manifest["addresses"])


def settings_of(gen: Mapping[str, Any]) -> str:
    """Sampling settings in a line, "" where there are none."""
    return ", ".join(f"{name} {value}" for name, value in gen.items())


def prompts_of(run: RunView) -> list[tuple[str, str, str, str]]:
    """Each prompt that the strategy or a judge used: its id, whose it is, where it comes from, and its hash."""
    known = run.manifest.get("prompts", {})
    rows = [
        (name, "strategy", known.get(name, {}).get("origin", "unknown"), digest)
        for name, digest in run.manifest["spec"]["prompts"].items()
    ]
    for judged in run.judges:
        entry = judged.finished.judge
        for name, digest in entry.get("prompts", {}).items():
            origin = entry.get("origins", {}).get(name) or known.get(name, {}).get("origin", "unknown")
            rows.append((name, judged.title, origin, digest))
    return rows


def calibration_of(path: Path) -> tuple[tuple[Printed, ...], tuple[str, ...], tuple[str, ...]] | None:
    """What was kept of `whyfeel calibrate`: its tables, its warnings and its notes; None where nothing was.

    Raises:
        DataError: the file is not what that command prints.
    """
    file = path / CALIBRATION
    if not file.is_file():
        return None
    hint = "keep there what `whyfeel calibrate RUN --labels FILE --json` prints"
    told = read_json(file, hint)
    wrong = misfit(told, CALIBRATED)
    try:
        parts = [] if wrong else calibration_table(told)
    except (KeyError, TypeError, AttributeError) as error:  # written by another program, or by another version
        wrong = str(error)
    if wrong:
        raise DataError(f"{str(file)!r} is no calibration ({wrong}): {hint}")
    return tables_of(parts), tuple(map(str, told["warnings"])), notes_of(parts)


def _headline_first(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    name, scores = summary["headline"].get("score"), summary["scores"]
    return {name: scores[name], **scores} if name in scores else scores
