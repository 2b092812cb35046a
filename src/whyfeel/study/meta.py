"""`whyfeel meta`: do metrics and judges agree with people? Held against a study, or against ratings out of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from whyfeel.errors import DataError, UserError
from whyfeel.runs.rating_files import rater_names
from whyfeel.runs.rating_sheets import read_sheet, sheet_ratings
from whyfeel.runs.ratings import Ratings, read_ratings
from whyfeel.stats.resampling import Bootstrap
from whyfeel.study.collected import Collected
from whyfeel.study.design import Design, Key
from whyfeel.study.exclusions import excluded, votes_of
from whyfeel.study.meta_parts import Entry, overview
from whyfeel.study.meta_rated import file_parts, rating_parts
from whyfeel.study.meta_runs import MeasuredRun
from whyfeel.study.meta_values import Source
from whyfeel.study.meta_votes import vote_parts
from whyfeel.study.results import moment
from whyfeel.study.systems import labels

SCHEMA = 1


def meta_study(
    design: Design, collected: Collected, key: Key, runs: Sequence[MeasuredRun], bootstrap: Bootstrap
) -> Entry:
    """Metrics and judges of runs held against what people say of the runs' texts.

    Args:
        design: the study.
        collected: what its store holds; raters that the design's rules exclude do not count.
        key: of the study.
        runs: one or more of those whose texts were shown.
        bootstrap: seed and number of resamples; whole pictures are drawn.

    Returns:
        what `whyfeel meta --json` prints: docs/meta.md has its parts.

    Raises:
        UserError: a run is none of the study's or given twice, or there is no vote on the runs' texts.
    """
    sources = sources_of(design, key, runs)
    out = excluded(design, collected)
    votes = votes_of(design, collected, out)
    held = vote_parts if design.kind == "pairwise" else rating_parts
    parts, aside = held(votes, sources, bootstrap)
    if not parts:
        raise UserError("the study has no vote on a text of these runs yet; whyfeel study status tells how far it is")
    seen = collected.unblinding
    return {
        "schema": SCHEMA,
        "kind": design.kind,
        "task": design.task,
        "study": design.digest,
        "seed": bootstrap.seed,
        "resamples": bootstrap.resamples,
        "votes": len(votes),
        "votes_aside": aside,
        "raters": len({vote.rater for vote in votes}),
        "excluded": len(out),
        "unblinded": None if seen is None else {"at": moment(seen.at), "votes": seen.votes},
        "run_judges": {name: told for run in runs for name, told in run.judges.items()},
        "parts": parts,
        "overview": overview(parts),
    }


def sources_of(design: Design, key: Key, runs: Sequence[MeasuredRun]) -> list[Source]:
    """Every source of the study, those of the given runs first, in their order.

    Raises:
        UserError: a run is none of the study's, or is given twice.
    """
    known = {source.responses: number for number, source in key.systems.items() if source.kind == "run"}
    given: dict[int, MeasuredRun] = {}
    for run in runs:
        number = known.get(run.responses)
        if number is None:
            held = ", ".join(f"{one.name} ({one.run!r})" for one in key.systems.values() if one.kind == "run")
            why = f"{str(run.path)!r} is no run of this study: its responses.jsonl is another; the study holds"
            raise UserError(f"{why} {held or 'no run, but people alone'}")
        if number in given:
            raise UserError(
                f"{str(run.path)!r} and {str(given[number].path)!r} hold the same answers; give one of them"
            )
        given[number] = run
    names = labels(design, {number: source.name for number, source in key.systems.items()})
    others = [number for number in design.systems if number not in given]
    return [Source(number, names[number], given.get(number)) for number in (*given, *others)]


def meta_files(judges: Sequence[Path], people: Sequence[Path], bootstrap: Bootstrap) -> Entry:
    """Judges' ratings out of files held against people's; items are drawn.

    Args:
        judges, people: files as `whyfeel agree` takes them, all of one form.
        bootstrap: seed and number of resamples.

    Returns:
        as `meta_study`.

    Raises:
        DataError: the files hold no ratings that can be compared, or one rater stands in files of both.
    """
    ratings = read_ratings([*judges, *people])
    names = _judges(ratings, judges, people)
    parts = file_parts(ratings, names, bootstrap)
    return {
        "schema": SCHEMA,
        "kind": "files",
        "seed": bootstrap.seed,
        "resamples": bootstrap.resamples,
        "items": len(ratings.items),
        "judges": names,
        "people": [name for name in ratings.raters if name not in names],
        "left_out": list(ratings.left_out),
        "parts": parts,
        "overview": overview(parts),
    }


def _judges(ratings: Ratings, judges: Sequence[Path], people: Sequence[Path]) -> list[str]:
    """Which of the raters are those of the judges' files."""
    by_file = rater_names([*judges, *people])
    if sorted(by_file) == list(ratings.raters):
        return by_file[: len(judges)]
    # neither JSON Lines nor a file a rater: the names stand in a column
    told, counterparts = (_named(paths) for paths in (judges, people))
    if both := sorted(set(told) & set(counterparts)):
        raise DataError(f"{both[0]!r} stands among the judges and among the people; expected each rater on one side")
    return told


def _named(paths: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(one.rater for path in paths for one in sheet_ratings([read_sheet(path)])[0]))
