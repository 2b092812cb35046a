"""What the explorer reads: the samples of a board with answers, verdicts and asks, as data files for its script.

`data/BOARD/N.js` holds PAGE samples each with all that is told of them, `data/BOARD/words.js` what is searched, and
`data/BOARD/index.js` one number or letter a sample, run and judge: enough to list and filter tens of thousands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from whyfeel.records import Media, Response, Sample, json_line
from whyfeel.site.book import Board
from whyfeel.site.pages import File
from whyfeel.site.people import People
from whyfeel.site.pictures import Shown
from whyfeel.site.read_run import RunReader
from whyfeel.site.shortened import cut

PAGE = 100  # samples in a data file
MOST_WORDS = 300  # characters of a question or an answer that are searched
WORDS_IN_ALL = 8_000_000  # of all questions, and of all answers: with more samples fewer of each are searched
LETTERS = {"ok": ".", "empty": "e", "refused": "r", "truncated": "t"}
NOT_ANSWERED, NOT_THERE = "u", "-"

Show = Callable[[Media], Shown]


def data_file(name: str, value: Mapping[str, Any]) -> File:
    r"""A data file of the site, which hands `value` to the script under a name; nothing in it can end a script element.

    >>> data_file("scenes/0", {"said": "</script>"}).content
    b'whyfeel.data("scenes/0", {"said": "\\u003c/script\\u003e"});\n'
    """
    told = json_line(value)
    for mark in "<>&":
        told = told.replace(mark, f"\\u{ord(mark):04x}")
    return File(f"data/{name}.js", f"whyfeel.data({json.dumps(name)}, {told});\n".encode())


class Payload:
    """The data files of one board.

    Args:
        board: whose samples and runs are told.
        show: how a picture is shown.
        people: what was said of the answers.
    """

    def __init__(self, board: Board, show: Show, people: People) -> None:
        self._board = board
        self._show = show
        self._people = people
        self._outcomes: list[list[str]] = [[] for _ in board.runs]
        self._answers: list[list[str]] = [[] for _ in board.runs]
        count = max(len(board.samples), 1)
        self._searched = min(MOST_WORDS, WORDS_IN_ALL // (count * len(board.runs)))

    def files(self) -> Iterator[File]:
        """The pages of samples, then what is searched, then the index."""
        slug, samples = self._board.slug, self._board.samples
        with ExitStack() as stack:
            readers = [stack.enter_context(RunReader(run)) for run in self._board.runs]
            for first in range(0, len(samples), PAGE):
                told = [self._sample(sample, readers) for sample in samples[first : first + PAGE]]
                yield data_file(f"{slug}/{first // PAGE}", {"samples": told})
            index = self._index(readers)
        yield data_file(f"{slug}/words", self._words())
        yield data_file(f"{slug}/index", index)

    def _sample(self, sample: Sample, readers: Sequence[RunReader]) -> dict[str, Any]:
        runs = []
        for place, reader in enumerate(readers):
            response = reader.response(sample.id)
            said = self._people.of(place, sample.id)
            told = None if response is None else reader.told(sample, response) | ({"people": said} if said else {})
            runs.append(told)
            self._outcomes[place].append(_letter(response))
            self._answers[place].append("" if response is None else _first(response.text, self._searched))
        texts = ("question", "person", "word", "caption", "article", "rubric")
        return {
            **{name: text for name in texts if (text := cut(getattr(sample, name)))},
            "triggers": [[one.text] if one.weight == 1 else [one.text, one.weight] for one in sample.triggers],
            "flags": sample.flags,
            "pictures": [_picture(self._show(one)) for one in sample.media],
            "runs": runs,
        }

    def _words(self) -> dict[str, Any]:
        most = min(MOST_WORDS, WORDS_IN_ALL // max(len(self._board.samples), 1))
        questions = [_first(one.question, most) for one in self._board.samples]
        return {"questions": questions, "answers": self._answers if self._searched else []}

    def _index(self, readers: Sequence[RunReader]) -> dict[str, Any]:
        samples = self._board.samples
        emotions = list(dict.fromkeys(one.emotion for one in samples))
        flags: dict[str, list[int]] = {}
        for place, sample in enumerate(samples):
            for flag in sample.flags:
                flags.setdefault(flag, []).append(place)
        by_people = map(self._people.rated, range(len(self._board.runs)))
        runs = zip(self._board.runs, readers, self._outcomes, by_people, strict=True)
        places = {one.id: place for place, one in enumerate(samples)}
        return {
            "page": PAGE,
            "searched": self._searched,
            "ids": [one.id for one in samples],
            "emotions": emotions,
            "emotion": [emotions.index(one.emotion) for one in samples],
            "flags": flags,
            "studies": self._people.studies,
            "runs": [
                {
                    "slug": run.slug,
                    "name": run.name,
                    "outcomes": "".join(outcomes),
                    "notes": reader.notes,
                    "rated": [places[one.id] for one in samples if one.id in rated],
                    "judges": [judge.in_index(places) for judge in reader.judges],
                }
                for run, reader, outcomes, rated in runs
            ],
        }


def _picture(shown: Shown) -> dict[str, Any]:
    return {"why": shown.why} if shown.why else {name: value for name, value in asdict(shown).items() if value}


def _first(text: str, most: int) -> str:
    return " ".join(text[: 2 * most].split())[:most]


def _letter(response: Response | None) -> str:
    if response is None:
        return NOT_THERE
    return LETTERS[response.outcome] if response.unscored is None else NOT_ANSWERED
