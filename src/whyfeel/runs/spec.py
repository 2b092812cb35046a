"""What decides a run: two runs of one spec may share a folder, two of different specs may not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.prompts import Prompts
from whyfeel.records import content_id


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """A judge with everything that decides its verdicts.

    Attributes:
        name: the judge.
        model: the declared name of the model it asks, None for an offline judge.
        gen: the user's sampling settings.
        prompts: prompt id to hash.
        pictures: how the pictures it is shown are made ready, "" where it sees none.
        version: of the judge's rules.
        embedder: the digest of its sentence embedder, "" where it has none.
        against: whom it compares answers with, see `Against.mark`; "" where it compares none.
    """

    name: str
    model: str | None
    gen: Mapping[str, Any]
    prompts: Mapping[str, str]
    pictures: str = ""
    version: str = ""
    embedder: str = ""
    against: str = ""

    @property
    def id(self) -> str:
        """NAME-HASH: the judge's folder, and what its answers are booked under in the ledger."""
        return f"{self.name}-{content_id(self.to_json())[:8]}"

    def to_json(self) -> dict[str, Any]:
        """The judge as it stands in run.json."""
        return _without(asdict(self), "pictures", "version", "embedder", "against")


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What decides a run's responses, and its first judge. Limits, budgets and addresses are not part of it.

    Attributes:
        data: record file name to the SHA-256 of its bytes.
        model: the declared name.
        prompts: prompt id to hash.
        captions: {"captioner": its declared name} or {"file": the SHA-256 of its bytes}, {} without captions.
        pictures: how pictures are made ready before they are sent, "" where none are.
        helper: the declared name of the model that `self-ask` asks without the picture, "" where none is.
    """

    task: str
    data: Mapping[str, str]
    model: str
    strategy: str
    gen: Mapping[str, Any]
    prompts: Mapping[str, str]
    seed: int
    judge: JudgeSpec
    captions: Mapping[str, str] = field(default_factory=dict)
    pictures: str = ""
    helper: str = ""

    def to_json(self) -> dict[str, Any]:
        """The spec as it stands in run.json."""
        return _without(asdict(self), "captions", "pictures", "helper") | {"judge": self.judge.to_json()}


def run_name(spec: Mapping[str, Any]) -> str:
    """Model and strategy of a run, as tables name it, from what its run.json calls "spec"."""
    return str(spec["model"]) if spec["strategy"] == "baseline" else f"{spec['model']} {spec['strategy']}"


def _without(spec: dict[str, Any], *later: str) -> dict[str, Any]:
    """A spec less the settings that came after the first release, where they are not used.

    A run of that release so keeps its id, and its judges theirs.
    """
    return {name: value for name, value in spec.items() if value or name not in later}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """What differs between two specs, one phrase each: "model is 'a' there and 'b' here"."""
    found: list[str] = []
    for name in [*old, *(name for name in new if name not in old)]:
        a, b = old.get(name), new.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{where}{name}.")
        elif a != b:
            found.append(f"{where}{name} is {a!r} there and {b!r} here")
    return found


def file_hashes(files: Iterable[Path]) -> dict[str, str]:
    """File name to the SHA-256 of its bytes, read in pieces."""
    hashes: dict[str, str] = {}
    for path in files:
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def prompt_hashes(prompts: Prompts, used: Iterable[str]) -> dict[str, str]:
    """Prompt id to hash, for the prompts that are used."""
    manifest = prompts.manifest()
    return {name: manifest[name]["hash"] for name in used}
