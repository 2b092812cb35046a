"""Prompt texts: files with an id and a version, never strings in code.

A text holds `$name` fields. A changed text changes the messages that are sent, and so the key of every ask
made with it.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from whyfeel.errors import DataError
from whyfeel.prompts.published import published_prompts
from whyfeel.records import content_id

Texts = Mapping[str, str]

PUBLISHED, FAMILY = "eibench", "llava"
QUESTION, QUESTION_LOWER = "question", "question_lower"


@dataclass(frozen=True)
class Prompts:
    """A set of prompt texts.

    Attributes:
        texts: prompt id to its fields ("user", "system", "suffix", …).
        origin: prompt id to where its text came from, for the manifest.
    """

    texts: Mapping[str, Texts]
    origin: Mapping[str, str]

    def fill(self, prompt: str, field: str, **values: str) -> str:
        """One text with its `$name` fields filled in; the values themselves are never interpreted."""
        return string.Template(self.texts[prompt][field]).substitute(values)

    def manifest(self) -> dict[str, dict[str, str]]:
        """Prompt id to its origin and hash."""
        return {
            name: {"origin": self.origin[name], "hash": content_id(dict(self.texts[name]))}
            for name in sorted(self.texts)
        }


def shipped_prompts() -> Prompts:
    """The texts that come with whyfeel, in our own wording."""
    texts: dict[str, Texts] = {}
    origin: dict[str, str] = {}
    for entry in sorted(files("whyfeel.prompts").joinpath("texts").iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".toml"):
            continue
        data = tomllib.loads(entry.read_text(encoding="utf-8"))
        name, version = data.pop("id"), data.pop("version")
        texts[name] = {field: text.strip("\n") for field, text in data.items()}
        origin[name] = f"whyfeel v{version}"
    return Prompts(texts, origin)


def load_prompts(
    source: str | Path | None = None, *, data: Path | None = None, task: str = "", judge: str = ""
) -> Prompts:
    """The shipped texts, some of them replaced by published ones or by those of a file.

    Args:
        source: "eibench" or "eibench:FAMILY" for the wording of the released scripts (LLaVA's where no family is
            named); anything else is a TOML file with one table a prompt, also one that is given as "./eibench".
        data, task, judge: for the wording of the released scripts, see `published_prompts`.

    Raises:
        DataError: the file is unreadable, or names a prompt, field or `$name` that does not exist; or a released
            script is not what it should be.
    """
    shipped = shipped_prompts()
    if source is None:
        return shipped
    kind, colon, family = source.partition(":") if isinstance(source, str) else ("", "", "")
    if kind == PUBLISHED:
        return _replaced(shipped, published_prompts(family if colon else FAMILY, data, task, judge))
    return _replaced(shipped, _read_override(Path(source), shipped))


def _replaced(shipped: Prompts, sources: Mapping[str, tuple[Texts, str]]) -> Prompts:
    texts = {name: {**shipped.texts[name], **fields} for name, (fields, _) in sources.items()}
    origin = {name: place for name, (_, place) in sources.items()}
    return Prompts({**shipped.texts, **texts}, {**shipped.origin, **origin})


def _read_override(path: Path, shipped: Prompts) -> dict[str, tuple[Texts, str]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"--prompts: {str(path)!r} is not a readable TOML file: {error}") from None
    for name, fields in tables.items():
        _check_override(name, fields, shipped)
    return {name: (fields, path.name) for name, fields in tables.items()}


def _check_override(name: str, fields: object, shipped: Prompts) -> None:
    if name not in shipped.texts:
        known = ", ".join(sorted(shipped.texts))
        raise DataError(f"--prompts: there is no prompt {name!r}; there are {known}")
    if not isinstance(fields, dict):
        raise DataError(f"--prompts: {name!r} must be a table of texts, such as [{name}]")
    for field, text in fields.items():
        if field not in shipped.texts[name] or not isinstance(text, str):
            known = ", ".join(sorted(shipped.texts[name]))
            raise DataError(f"--prompts: {name}.{field!r} must be a text and one of: {known}")
        template, ours = string.Template(text), string.Template(shipped.texts[name][field])
        if not template.is_valid() or _names(template) != _names(ours):
            known = ", ".join("$" + i for i in ours.get_identifiers()) or "no $ field (write $$ for a dollar sign)"
            raise DataError(f"--prompts: {name}.{field!r} must use {known}")


def _names(template: string.Template) -> set[str]:
    """The fields of a template; the question in lower case is the question."""
    return {QUESTION if name == QUESTION_LOWER else name for name in template.get_identifiers()}
