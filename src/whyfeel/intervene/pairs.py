"""Pairs as records: a picture, its triggers, and for each change the trigger that is no longer in the changed one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from whyfeel.errors import DataError
from whyfeel.intervene.scenes import UNSAID, Change, Region, Scene
from whyfeel.media.picture import LONGEST_SIDE
from whyfeel.records import Media, Sample, numbered
from whyfeel.tasks.jsonl import ImagePath, OneLine, Record, told
from whyfeel.tasks.reading import Malformed, Refused, json_records, place, shown

FILE = "pairs.jsonl"
FORMAT = 'expected {"id", "image", "question", "emotion", "triggers", "changes"}'
CHANGE = '{"trigger", "kind", "how", "image", "instead"} or {"trigger", "kind", "region"}'
GROUPS = frozenset({"overall", "macro"})  # of every summary


def _kind(text: str) -> str:
    if text in GROUPS:
        raise ValueError(f"expected a kind; {text!r} is the name of a group in every summary")
    return text


class ChangeRecord(BaseModel):
    """One change: another picture, or a region of this one that is blurred."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    trigger: OneLine
    kind: Annotated[OneLine, AfterValidator(_kind)] = UNSAID
    how: Literal["removed", "replaced"] = "removed"
    image: ImagePath | None = None
    region: Annotated[list[float | int], Field(min_length=4, max_length=4)] | None = None
    instead: OneLine | None = None

    @field_validator("region")
    @classmethod
    def _has_room(cls, region: list[float | int] | None) -> list[float | int] | None:
        if region is not None and not (all(0 <= one <= LONGEST_SIDE for one in region) and min(region[2:]) > 0):
            raise ValueError("expected [left, top, width, height], from 0 on, of a picture's size and with room inside")
        return region

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.image is None) == (self.region is None):
            raise ValueError(f"expected one of image and region: {CHANGE}")
        if (self.instead is not None) != (self.how == "replaced"):
            raise ValueError('expected "instead" where "how" is "replaced", and nowhere else')
        if self.region is not None and self.how == "replaced":
            raise ValueError('expected "how" to be "removed": a blurred region puts nothing in its place')
        return self


class PairRecord(Record):
    """One line of a file of pairs."""

    image: ImagePath
    changes: Annotated[list[ChangeRecord], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        texts = {trigger.text for trigger in self.triggers}
        if len(texts) < len(self.triggers):
            raise ValueError(
                "expected triggers that differ: of two equal ones, one would stay where the other is removed"
            )
        for one in self.changes:
            if one.trigger not in texts:
                raise ValueError(f"expected the trigger of each change to be one of the triggers, got {one.trigger!r}")
            if one.instead in texts:
                raise ValueError(f"expected another trigger instead, got {one.instead!r}, which is there already")
        if len({one.region is None for one in self.changes}) > 1:
            raise ValueError("expected changes of one form: each with an image, or each with a region")
        return self


def read_pairs(path: Path) -> list[Scene]:
    """The scenes of a file, in its order; regions as the file has them.

    Raises:
        DataError: the file cannot be read, a record is not what it should be, an id stands twice, or the records have
            changes of both forms.
    """
    scenes: list[Scene] = []
    lines: dict[str, int] = {}
    for line, record in json_records(path, _record):
        if isinstance(record, Malformed):
            raise record.error()
        if record.id in lines:
            raise DataError(f"{place(path, line)}: the id {record.id!r} stands on line {lines[record.id]}, too")
        lines[record.id] = line
        scenes.append(_scene(record))
        if scenes[0].drawn != scenes[-1].drawn:
            forms = ("a region", "an image") if scenes[0].drawn else ("an image", "a region")
            raise DataError(
                f"{place(path, line)}: its changes have {forms[0]}, those before {forms[1]}: make two files"
            )
    if not scenes:
        raise DataError(f"{place(path)} holds no record; {FORMAT}")
    return scenes


def _record(value: object) -> PairRecord:
    if not isinstance(value, dict):
        raise Refused(f"{FORMAT}, got {shown(value)}")
    try:
        return PairRecord.model_validate(value)
    except ValidationError as error:
        raise Refused(told(error, FORMAT)) from None


def _scene(record: PairRecord) -> Scene:
    sample = Sample(
        id=record.id,
        question=record.question,
        emotion=record.emotion,
        triggers=tuple(record.triggers),
        media=(Media(record.image),),
        cluster=record.image,
        annotation=numbered(trigger.text for trigger in record.triggers),
        rubric=record.rubric or "",
        caption=record.caption or "",
        article=record.article or "",
    )
    return Scene(sample, tuple(_change(one, sample) for one in record.changes))


def _change(one: ChangeRecord, sample: Sample) -> Change:
    texts = [trigger.text for trigger in sample.triggers]
    gone = texts.index(one.trigger)
    instead = None if one.instead is None else replace(sample.triggers[gone], text=one.instead)
    media = None if one.image is None else Media(one.image)
    region = None if one.region is None else Region(*map(float, one.region))
    return Change(gone, one.kind, media, region, instead)
