"""run.json: what a run is, so that a later sitting, another judge or a reader can know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from whyfeel import __version__
from whyfeel.engine import Route
from whyfeel.errors import DataError, SpecMismatch
from whyfeel.prompts import Prompts
from whyfeel.records import content_id
from whyfeel.runs.folder import RunFolder, write_json
from whyfeel.runs.options import RunOptions
from whyfeel.runs.plan import absolute
from whyfeel.runs.routing import addresses
from whyfeel.runs.spec import JudgeSpec, RunSpec, differences

SCHEMA = 1


def open_run(
    folder: RunFolder, spec: RunSpec, options: RunOptions, prompts: Prompts, routes: Mapping[str, Route]
) -> list[str]:
    """Write the manifest of a new run, or check that the folder's run is this one.

    Returns:
        remarks, such as an address that changed.

    Raises:
        SpecMismatch: the folder holds a run of another spec; the message names the differences.
    """
    new: dict[str, Any] = {
        "schema": SCHEMA,
        "whyfeel": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "id": content_id(spec.to_json()),
        "spec": spec.to_json(),
        "judges": {},
        "prompts": prompts.manifest(),
        "addresses": [],
    }
    if folder.manifest.exists():
        old = folder.read_manifest()
        if found := differences(old["spec"], new["spec"]):
            raise SpecMismatch(
                f"{str(folder.path)!r} holds another run: {'; '.join(found[:3])}. Choose another --out"
                + (", or add the judge with `whyfeel judge`" if all(one.startswith("judge.") for one in found) else "")
            )
        new |= {name: old[name] for name in ("created", "judges", "addresses") if name in old}
    new |= {
        "selection": _selection(options),
        "data": absolute(options.data),
        "images": absolute(options.images),
        "reuse": [absolute(path) for path in options.reuse],
    }
    new["judges"][spec.judge.id] = spec.judge.to_json()
    remarks = note_addresses(new, routes)
    write_json(folder.manifest, new)
    return remarks


def _selection(options: RunOptions) -> dict[str, Any]:
    selection = {"limit": options.limit, "sample": options.sample}
    return selection | ({} if options.until is None else {"until": options.until, "taken": None})


def add_judge(folder: RunFolder, judge: JudgeSpec, prompts: Prompts, routes: Mapping[str, Route]) -> list[str]:
    """Enter another judge into the manifest, with where its prompts come from; returns remarks."""
    manifest = folder.read_manifest()
    origins = {name: prompts.origin[name] for name in judge.prompts}
    manifest["judges"][judge.id] = judge.to_json() | ({"origins": origins} if origins else {})
    remarks = note_addresses(manifest, routes)
    write_json(folder.manifest, manifest)
    return remarks


def note_taken(folder: RunFolder, taken: int) -> None:
    """Enter how many samples a run took that decided so itself."""
    manifest = folder.read_manifest()
    manifest["selection"]["taken"] = taken
    write_json(folder.manifest, manifest)


def spec_of(manifest: Mapping[str, Any], judge: JudgeSpec) -> RunSpec:
    """The spec of a finished run, seen by another judge.

    Raises:
        DataError: it holds what this version of whyfeel does not know.
    """
    spec = manifest["spec"]
    known = {field.name for field in fields(RunSpec)}
    if unknown := [name for name in spec if name not in known]:
        raise DataError(f"the run's spec holds {unknown[0]!r}, which this whyfeel does not know: get a newer one")
    return RunSpec(**{**spec, "judge": judge})


def note_addresses(manifest: dict[str, Any], routes: Mapping[str, Route]) -> list[str]:
    """Enter where each model was asked, which is part of the record: a model may move. Returns remarks."""
    remarks: list[str] = []
    known: list[dict[str, Any]] = manifest["addresses"]
    for entry in addresses(routes):
        same = [one for one in known if (one["role"], one["model"]) == (entry["role"], entry["model"])]
        if same and same[-1]["address"] != entry["address"]:
            remarks.append(
                f"{entry['model']} moved from {same[-1]['address']} to {entry['address']}; "
                "known answers are kept, and the move is recorded in run.json"
            )
        if not same or same[-1]["address"] != entry["address"]:
            known.append(entry)
    return remarks
