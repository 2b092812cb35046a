"""A user's own records, one JSON object a line (docs/data.md), and the bundled scenes in the same format.

The file is read twice: once when the task is made, which checks every record, and once whenever it is iterated over.
Neither holds more than a few small integers a sound record.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from whyfeel.errors import DataError
from whyfeel.judging import FoilKind, Scorer
from whyfeel.records import Media, Sample, Trigger, canonical, numbered
from whyfeel.tasks.reading import Malformed, Refused, json_records, shown, text_fault
from whyfeel.tasks.survey import Seen, Survey

FORMAT = 'expected {"id", "image", "question", "emotion", "triggers", "rubric", "caption", "article"}'
MOST_WEIGHT = 1000
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Groups of every summary; an emotion of this name would overwrite them.
RESERVED = frozenset({"overall", "macro"})


def _sound(text: str) -> str:
    if text_fault(text) is not None:
        raise ValueError("expected valid Unicode" if text.strip() else "expected a text that is not blank")
    return text


def _one_line(text: str) -> str:
    # numbered() writes one trigger a line, and the official judges show that to a model
    if len(text.strip().splitlines()) > 1:
        raise ValueError("expected a text of one line")
    return _sound(text).strip()


def _group(text: str) -> str:
    if text.strip() in RESERVED:
        raise ValueError(f"expected an emotion; {text.strip()!r} is the name of a group in every summary")
    return _one_line(text)


def _trigger(value: object) -> Trigger:
    """A text, or {"text", "weight"}."""
    if isinstance(value, str):
        return Trigger(_one_line(value))
    if not isinstance(value, dict) or not {"text"} <= value.keys() <= {"text", "weight"}:
        raise ValueError('expected a text or {"text", "weight"}')
    text, weight = value["text"], value.get("weight", 1)
    if not isinstance(text, str):
        raise ValueError('expected "text" to be a text')  # noqa: TRY004, pydantic tells a ValueError with its field
    # a comparison with NaN is false
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= MOST_WEIGHT:
        raise ValueError(f'expected "weight" to be a number above 0 and at most {MOST_WEIGHT:,}')
    return Trigger(_one_line(text), float(weight))


def _image(text: str) -> str:
    """A path below the images folder, or a URL that leaves no doubt which host is meant."""
    if SCHEME.match(text):
        if not text.startswith(("http://", "https://")):
            raise ValueError("expected a path below the images folder, or a URL with http:// or https://")
        if not text.isprintable() or " " in text:
            raise ValueError("expected a URL without blanks and control characters")
        try:
            url = urlsplit(text)
            sound = bool(url.hostname) and "@" not in url.netloc and "\\" not in text and url.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("expected a URL with a host, and without a user, password or backslash")
    return _sound(text)


Sound = Annotated[str, AfterValidator(_sound)]
OneLine = Annotated[str, AfterValidator(_one_line)]
ImagePath = Annotated[str, AfterValidator(_image)]


class Record(BaseModel):
    """One line of a record file; all that has a default may be absent or null, `image` in a text-only record."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    id: Sound
    question: Sound
    emotion: Annotated[str, AfterValidator(_group)]
    triggers: Annotated[list[Annotated[Trigger, BeforeValidator(_trigger)]], Field(min_length=1)]
    image: ImagePath | None = None
    rubric: Sound | None = None
    caption: Sound | None = None
    article: Sound | None = None


class JsonlTask:
    """`jsonl`: one question a record, the emotions those that occur.

    Args:
        data: the record file, or a folder that holds exactly one `*.jsonl`.
        images: the folder the `image` paths start from; default the folder of the record file.
        name: as it is written in a command.

    Raises:
        DataError: the file is missing or cannot be read.
    """

    macro = True
    scorer: Scorer = "complex"
    alternatives = False
    foils: FoilKind = "emotion"
    left_out: tuple[tuple[str, str], ...] = ()

    def __init__(self, data: Path, images: Path | None = None, name: str = "jsonl") -> None:
        self.name = name
        path = _record_file(data)
        self.files: tuple[Path, ...] = (path,)
        self.images: Path | None = path.parent if images is None else images
        self.images_help = "--images is the folder the image paths start from; default the folder of the record file"
        self._survey, self.groups = _surveyed(path)

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        """The records that cannot be read."""
        return self._survey.malformed

    def __iter__(self) -> Iterator[Sample]:
        """The samples in file order."""
        for line, record in self._survey.sound(json_records(self.files[0], _record)):
            yield _sample(record, self._survey.flags(line))


def scenes() -> JsonlTask:
    """The task `scenes`: drawn pictures with the causes that were drawn into them, part of the package.

    Raises:
        DataError: the installation lacks them.
    """
    path = Path(str(files("whyfeel.tasks").joinpath("scenes", "scenes.jsonl")))
    if not path.is_file():
        raise DataError(f"the bundled scenes are missing: there is no file {str(path)!r}; install whyfeel again")
    return JsonlTask(path, name="scenes")


def _record_file(data: Path) -> Path:
    if data.is_file():
        return data
    if not data.is_dir():
        raise DataError(f"--data: there is no {str(data)!r}; expected a record file or a folder with one *.jsonl")
    found = sorted(path for path in data.glob("*.jsonl") if path.is_file())
    if len(found) != 1:
        some = f" ({', '.join(path.name for path in found[:3])}, …)" if found else ""
        raise DataError(f"--data: expected exactly one *.jsonl in {str(data)!r}, got {len(found)}{some}; name the file")
    return found[0]


def _surveyed(path: Path) -> tuple[Survey, tuple[str, ...]]:
    """The equal and the malformed records, and the emotions by first occurrence."""
    seen, groups = Seen(path), dict[str, None]()
    for line, record in json_records(path, _record):
        if isinstance(record, Malformed):
            seen.refuse(line, record)
        elif seen.add(line, record.id, canonical(record.model_dump())):
            groups.setdefault(record.emotion)
    return seen.survey(FORMAT.removeprefix("expected ")), tuple(groups)


def _record(value: object) -> Record:
    if not isinstance(value, dict):
        raise Refused(f"{FORMAT}, got {shown(value)}")
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        raise Refused(told(error, FORMAT)) from None


def _sample(record: Record, flags: list[str]) -> Sample:
    return Sample(
        id=record.id,
        question=record.question,
        emotion=sys.intern(record.emotion),
        triggers=tuple(record.triggers),
        media=(Media(record.image),) if record.image is not None else (),
        cluster=record.image if record.image is not None else record.id,
        flags=tuple(flags),
        annotation=numbered([trigger.text for trigger in record.triggers]),
        rubric=record.rubric or "",
        caption=record.caption or "",
        article=record.article or "",
    )


def told(error: ValidationError, form: str) -> str:
    """The first fault of a record, in one line; `form` is what was expected as a whole."""
    faults = error.errors(include_url=False)
    if unknown := [str(fault["loc"][0]) for fault in faults if fault["type"] == "extra_forbidden"]:
        return f"unknown key {', '.join(map(shown, unknown[:5]))}; {form}"
    first = faults[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"field {field!r}: it is missing; {form}"
    why = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    why = why if why.startswith("expected") else f"expected {why[0].lower()}{why[1:]}"
    where = f"field {field!r}: " if field else ""
    return f"{where}{why}, got {shown(first['input'])}"
