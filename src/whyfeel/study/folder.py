"""A study folder: design.json, key.json, the pictures, and the store where it is a file of SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from whyfeel.errors import DataError, brief
from whyfeel.study.design import DESIGN, KEY, SCHEMA, Design, Key

Read = TypeVar("Read")


class StudyFolder:
    """The files of one study, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.design = path / "design.json"
        self.key = path / "key.json"
        self.pictures = path / "pictures"
        self.store = path / "study.sqlite"
        self.secret = path / "study.key"  # of the pages

    def read_design(self) -> Design:
        """The design.

        Raises:
            DataError: this is no study folder, or the file is damaged.
        """
        design = _read(DESIGN, self.design, "whyfeel study create makes one")
        if design.schema != SCHEMA:
            raise DataError(f"{str(self.design)!r} was written by another whyfeel (schema {design.schema})")
        return design

    def read_key(self, design: Design) -> Key:
        """The key, which unblinds the study: whoever calls has recorded that it was asked for.

        Raises:
            DataError: the file is missing or damaged, or belongs to another design.
        """
        key = _read(KEY, self.key, "without it nobody can tell whose texts are whose; get it from a copy")
        if key.design != design.digest:
            raise DataError(f"{str(self.key)!r} belongs to another design than {str(self.design)!r}")
        return key


def _read(adapter: TypeAdapter[Read], path: Path, hint: str) -> Read:
    try:
        return adapter.validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read ({error.strerror}); {hint}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{str(path)!r} is damaged: {where}: {first['msg']}, got {brief(first['input'])}") from None
