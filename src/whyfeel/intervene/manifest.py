"""run.json of an intervention: what was changed, and who was asked and judged by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from whyfeel import __version__
from whyfeel.errors import DataError, SpecMismatch, UserError
from whyfeel.intervene.plan import Plan
from whyfeel.records import content_id
from whyfeel.runs.folder import RunFolder, misfit, read_json, write_json
from whyfeel.runs.manifest import note_addresses
from whyfeel.runs.plan import absolute
from whyfeel.runs.spec import differences

SCHEMA = 1
INTERVENE = "intervene"
MANIFEST: Mapping[str, Any] = {
    "created": str,
    "spec": dict,
    "addresses": [dict.fromkeys(("role", "model", "address"), str)],
}


def open_intervention(folder: RunFolder, plan: Plan) -> list[str]:
    """Write the manifest of a new run, or check that the folder's run is this one.

    Returns:
        remarks, such as an address that changed.

    Raises:
        SpecMismatch: the folder holds a run of another spec; the message names the differences.
        UserError: it holds a run of another command.
        DataError: its run.json is damaged.
    """
    options = plan.options
    used = {**plan.spec["prompts"], **plan.spec["judge"]["prompts"]}
    new: dict[str, Any] = {
        "schema": SCHEMA,
        "whyfeel": __version__,
        "kind": INTERVENE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "id": content_id(plan.spec),
        "spec": dict(plan.spec),
        "prompts": {name: entry for name, entry in plan.prompts.manifest().items() if name in used},
        "addresses": [],
    }
    if folder.manifest.exists():
        old = _read(folder)
        if found := differences(old["spec"], new["spec"]):
            raise SpecMismatch(f"{str(folder.path)!r} holds another run: {'; '.join(found[:3])}. Choose another --out")
        new |= {name: old[name] for name in ("created", "addresses")}
    new |= {
        "selection": {"limit": options.limit, "sample": options.sample},
        "input": options.task,
        "data": absolute(options.data),
        "images": absolute(plan.source.task.images),
        "reuse": [absolute(path) for path in options.reuse],
    }
    remarks = note_addresses(new, plan.routes)
    write_json(folder.manifest, new)
    return remarks


def _read(folder: RunFolder) -> dict[str, Any]:
    manifest = read_json(folder.manifest, "a run folder has one")
    if manifest.get("kind") != INTERVENE:
        was = manifest.get("kind") or "run"
        raise UserError(f"--out: {str(folder.path)!r} holds a run of `whyfeel {was}`; choose another --out")
    if (wrong := misfit(manifest, MANIFEST)) is not None:
        raise DataError(f"{str(folder.manifest)!r} is damaged: it should hold {wrong!r}; get it from a copy")
    return manifest
