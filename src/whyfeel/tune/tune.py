"""The main job: plan, train, write the model whole, and measure it before and after."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyfeel import __version__
from whyfeel.checkpoint_files import CARD
from whyfeel.engine.tables import store_failed
from whyfeel.errors import SpecMismatch, UserError
from whyfeel.models.local.limit import is_full
from whyfeel.records import content_id
from whyfeel.runs.folder import RunFolder, read_json, write_json, write_whole
from whyfeel.runs.spec import differences
from whyfeel.tune.card import card
from whyfeel.tune.measuring import measure, write_held_out
from whyfeel.tune.options import TuneOptions
from whyfeel.tune.plan import Plan, plan_tuning
from whyfeel.tune.rehearse import facts
from whyfeel.tune.watch import TrainWatch

KIND, SCHEMA = "tune", 1
CHECKPOINTS = "checkpoints"
README = "README.md"


@dataclass(frozen=True)
class Tuned:
    """A finished tuning.

    Attributes:
        folder: where the model lies; `local:` and this folder names it.
        told: what `--json` prints, which is also what whyfeel.json holds.
    """

    folder: Path
    told: Mapping[str, Any]


def tune(options: TuneOptions, watch: TrainWatch) -> Tuned:
    """Fine-tune a model, and measure it before and after on samples whose pictures it never saw.

    Killed, the same call goes on from the last whole checkpoint; done, it trains nothing anew.

    Raises:
        UserError: an option, the data, the model or the folder is not what it should be, or memory does not suffice.
        RunStopped, Interrupted: it cannot go on; the same command resumes it.
    """
    plan = plan_tuning(options)
    folder = RunFolder(options.out)
    folder.make()
    with folder.locked():
        _open(folder, plan)
        told = _known(folder, plan)
        if told is None:
            for reason, ids in plan.left_out.items():
                watch.note(f"{len(ids):,} records are left out, for example {ids[0]!r}: {reason}")
            with _writing(folder.path), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the libraries warn of each other's older names
                told = facts(plan) | _trained(plan, folder.path, watch)
            _write(folder.path, plan, told)
        if plan.measured is not None and "measured" not in told:
            write_held_out(folder.path, plan.held_out)
            told = {**told, "measured": measure(options, folder.path, plan.measured.images, watch)}
            _write(folder.path, plan, told)
        shutil.rmtree(folder.path / CHECKPOINTS, ignore_errors=True)
    return Tuned(folder.path, told)


def _open(folder: RunFolder, plan: Plan) -> None:
    """Write the manifest of a new tuning, or check that the folder's is this one."""
    new: dict[str, Any] = {
        "schema": SCHEMA,
        "whyfeel": __version__,
        "kind": KIND,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "id": content_id(plan.spec),
        "spec": dict(plan.spec),
    }
    if folder.manifest.exists():
        old = read_json(folder.manifest, "a folder of a tuning has one")
        if old.get("kind") != KIND or not isinstance(old.get("spec"), dict):
            was = old.get("kind") or "run"
            raise UserError(f"--out: {str(folder.path)!r} holds a run of `whyfeel {was}`; choose another --out")
        if found := differences(old["spec"], new["spec"]):
            raise SpecMismatch(
                f"{str(folder.path)!r} holds another tuning: {'; '.join(found[:3])}. Choose another --out"
            )
        return
    write_json(folder.manifest, new)


def _known(folder: RunFolder, plan: Plan) -> dict[str, Any] | None:
    """What an earlier sitting found, None where it did not finish the training."""
    file = folder.path / CARD
    told = read_json(file, "a tuned model has one") if file.is_file() else {}
    return told if told.get("id") == content_id(plan.spec) else None


def _trained(plan: Plan, folder: Path, watch: TrainWatch) -> dict[str, Any]:
    """Train, and save the model; its loss, and the versions of what did it."""
    # torch takes seconds to import
    import peft  # noqa: PLC0415
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    from whyfeel.tune.encode import Encoded, Encoder  # noqa: PLC0415
    from whyfeel.tune.preparing import load_base, prepared  # noqa: PLC0415
    from whyfeel.tune.trainer import train  # noqa: PLC0415

    loaded = load_base(plan.checkpoint, plan.options.method)
    encoded = Encoded(Encoder(loaded, plan.pictures), plan.examples, plan.order())
    model = prepared(loaded, plan.options)
    trainable = sum(one.numel() for one in model.parameters() if one.requires_grad)
    with _advised(plan.options):
        losses = train(loaded, model, encoded, plan.steps, plan.options, folder / CHECKPOINTS, watch)
    model.save_pretrained(folder)
    if plan.options.method == "full":
        loaded.processor.save_pretrained(folder)
    return {
        "id": content_id(plan.spec),
        "data": dict(plan.source.files),
        "trained_parameters": trainable,
        "place": {"device": loaded.place.device, "dtype": loaded.place.dtype},
        "loss": losses,
        "versions": {
            "whyfeel": __version__,
            **{one.__name__: str(one.__version__) for one in (torch, transformers, peft)},
        },
    }


@contextmanager
def _advised(options: TuneOptions) -> Iterator[None]:
    """Too little memory ends in what to do about it."""
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        smaller = f"--batch-size {max(1, options.batch_size // 2)}" if options.batch_size > 1 else "--max-side 336"
        lora = ", or --method lora" if options.method == "full" else ""
        raise UserError(f"too little memory to train the model so: try {smaller}{lora}, and another --out") from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A disk that takes no more ends in one line."""
    try:
        yield
    except OSError as error:
        raise store_failed("the model", folder / "model", error) from None


def _write(folder: Path, plan: Plan, told: Mapping[str, Any]) -> None:
    """The card first: whyfeel.json says that the model is whole."""
    write_whole(folder / README, [card(plan, told).encode()])
    write_json(folder / CARD, told)
