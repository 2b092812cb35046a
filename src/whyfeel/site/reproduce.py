"""How a run is made again, and how it is cited: from what its run.json says."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.media.store import max_side_of
from whyfeel.models.presets import PRESETS
from whyfeel.prompts import FAMILY
from whyfeel.prompts.published import FAMILIES
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.options import MODEL_CONTROLS, NO_CONTROLS

BASELINE, ANSWERS = "baseline", "answer file"  # strategies that ask no model
SHIPPED, EIBENCH = "whyfeel v", "EIBench "  # how the origin of a prompt begins
JUDGES = "judge"  # how the roles of a judge's models begin
EMOTIONAL_REASONING = (
    "Why We Feel: Breaking Boundaries in Emotional Reasoning with Multimodal Large Language Models, arXiv 2504.07521"
)
SOCRATIS = "Socratis: Are large multimodal models emotionally aware?, arXiv 2308.16741"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A command, and what stands in it for something that run.json does not name."""

    command: str
    remarks: tuple[str, ...]


class _Command:
    """A command that grows."""

    def __init__(self, *words: str) -> None:
        self.words = [*words]
        self.remarks: list[str] = []

    def option(self, flag: str, value: object) -> None:
        """Add an option that has a value."""
        if value is not None and value != "":
            self.words += [flag, str(value)]

    def flag(self, flag: str, *, given: bool) -> None:
        """Add an option that is given or not."""
        if given:
            self.words.append(flag)

    def stand_in(self, flag: str, word: str, why: str) -> None:
        """Add an option whose value is not known."""
        self.words += [flag, word]
        self.remarks.append(f"{word}: {why}")

    def settings(self, flag: str, gen: Mapping[str, Any]) -> None:
        """Add sampling settings, as JSON, so that none is read otherwise than it was."""
        if gen:
            self.words += [flag, json.dumps(dict(gen))]

    def told(self) -> Reproduction:
        """The command for a shell."""
        return Reproduction(shlex.join(self.words), tuple(self.remarks))


def run_again(path: Path, manifest: Mapping[str, Any], controls: Iterable[str]) -> Reproduction:
    """The command that makes a run and its first judge again.

    Args:
        path: the run folder.
        manifest: its run.json.
        controls: those in the summary of its first judge.
    """
    spec, judge = manifest["spec"], manifest["spec"]["judge"]
    if spec["strategy"] == ANSWERS:
        line = _Command("whyfeel", "judge-answers")
        name = f"{spec['model'].partition(':')[2]}.jsonl"
        line.words.append(name)
        line.remarks.append(f"{name}: the answer file whose SHA-256 is {spec['data'].get('answers', 'unknown')}")
        line.option("--task", spec["task"])
    else:
        line = _Command("whyfeel", "run", spec["task"], "--model", _model(spec["model"], path, manifest, judges=False))
        line.option("--strategy", spec["strategy"] if spec["strategy"] != BASELINE else "")
        _helpers(line, path, manifest)
    line.option("--data", manifest["data"])
    line.option("--images", manifest["images"])
    _judging(line, path, manifest, judge)
    for name in ("limit", "sample", "until"):
        line.option(f"--{name}", manifest["selection"].get(name))
    line.option("--seed", spec["seed"])
    line.settings("--gen", spec["gen"])
    _pictures(line, path, spec.get("pictures") or judge.get("pictures", ""))
    line.option("--controls", _controls(spec, controls))
    used = {**spec["prompts"], **judge["prompts"]}
    _prompts(line, [manifest.get("prompts", {}).get(name, {}).get("origin", "") for name in used])
    line.option("--out", path.name)
    return line.told()


def judge_again(path: Path, manifest: Mapping[str, Any], judge_id: str, controls: Iterable[str]) -> Reproduction:
    """The command that makes one of a run's later judges again, on the answers that are there.

    Args:
        path: the run folder.
        manifest: its run.json.
        judge_id: one of its judges.
        controls: those in that judge's summary.
    """
    judge = manifest["judges"][judge_id]
    line = _Command("whyfeel", "judge", path.name)
    _judging(line, path, manifest, judge)
    _pictures(line, path, judge.get("pictures", ""))
    line.option("--controls", _controls(manifest["spec"], controls))
    _prompts(line, judge.get("origins", {}).values())
    return line.told()


def citation(manifest: Mapping[str, Any], judge: Mapping[str, Any]) -> str:
    """A sentence that names a run and the judge whose scores are cited."""
    spec = manifest["spec"]
    asked = f" ({judge['model']})" if judge.get("model") else ""
    how = "" if spec["strategy"] == BASELINE else f", {spec['strategy']}"
    return (
        f"{spec['model']}{how}, on {spec['task']}, judged by {judge['name']}{asked}, with whyfeel "
        f"{manifest.get('whyfeel', 'of an unknown version')}, run {manifest.get('id', 'without an id')}"
        f"{_on(manifest.get('created'))}."
    )


def papers(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The papers that a run rests on: whose benchmark or judge it is, or whose procedure it follows."""
    spec = manifest["spec"]
    judges = [str(one["name"]) for one in manifest["judges"].values()]
    reasoning = spec["task"].startswith("eibench") or spec["strategy"].startswith("self-ask")
    reasoning = reasoning or any(name.startswith("official") for name in judges)
    return ((EMOTIONAL_REASONING,) if reasoning else ()) + ((SOCRATIS,) if spec["task"] == "socratis" else ())


def _on(created: object) -> str:
    return f" of {created[:10]}" if isinstance(created, str) else ""


def _helpers(line: _Command, path: Path, manifest: Mapping[str, Any]) -> None:
    """Who else was asked for an answer."""
    spec, captions = manifest["spec"], manifest["spec"].get("captions", {})
    if helper := spec.get("helper"):
        line.option("--helper", _model(helper, path, manifest, judges=False))
    if captioner := captions.get("captioner"):
        line.option("--captioner", _model(captioner, path, manifest, judges=False))
    if digest := captions.get("file"):
        line.stand_in("--captions", "CAPTIONS.jsonl", f"the captions whose SHA-256 is {digest}")


def _judging(line: _Command, path: Path, manifest: Mapping[str, Any], judge: Mapping[str, Any]) -> None:
    line.option("--judge", judge["name"])
    if members := judge.get("model"):
        named = [_model(one, path, manifest, judges=True) for one in members.split(",")]
        line.option("--judge-model", ",".join(named))
    line.settings("--judge-gen", judge["gen"])
    line.flag("--see-image", given=bool(judge.get("pictures")))
    if digest := judge.get("embedder"):
        line.stand_in("--embedder", "EMBEDDER", f"the sentence embedder whose digest is {digest}")
    against = judge.get("against", "")
    if against and not against.startswith("human"):
        line.stand_in("--against", "RUN2", f"the run whose responses.jsonl has the SHA-256 {against}")


def _model(name: str, path: Path, manifest: Mapping[str, Any], *, judges: bool) -> str:
    """A declared name as a user writes it: with its provider or its server, where it was asked last."""
    asked = [
        one["address"]
        for one in manifest["addresses"]
        if one["model"] == name and one["role"].startswith(JUDGES) == judges
    ]
    if not asked:
        return name
    if not asked[-1]:  # it was replayed, and this run holds the same answers
        return f"replay:{path.name}"
    provider = next((one.name for one in PRESETS.values() if one.base_url == asked[-1]), None)
    return f"{provider}:{name}" if provider else f"{asked[-1]}#{name}"


def _pictures(line: _Command, path: Path, conversion: str) -> None:
    line.option("--max-side", max_side_of(conversion))
    line.flag("--allow-urls", given=RunFolder(path).pictures.is_dir())


def _controls(spec: Mapping[str, Any], controls: Iterable[str]) -> str:
    """The controls that were asked for; a baseline's own run has none, whatever is asked for."""
    held = [*controls]
    if not held:
        return "" if spec["strategy"] == BASELINE else NO_CONTROLS
    return ",".join(name for name in MODEL_CONTROLS if name in held)


def _prompts(line: _Command, origins: Iterable[str]) -> None:
    """Where the texts come from that are not the shipped ones."""
    others = [one for one in dict.fromkeys(origins) if one and not one.startswith(SHIPPED)]
    if published := [one for one in others if one.startswith(EIBENCH)]:
        families = [name for name, files in FAMILIES.items() if any(one in text for text in published for one in files)]
        line.option("--prompts", f"eibench:{(families or [FAMILY])[0]}")
    elif others:
        line.stand_in("--prompts", others[0], "the file of prompts, whose texts have the hashes above")
