"""transformers' Trainer, told to be quiet, to keep its state without pickles, and to go on where it was killed.

Imports torch and transformers (the extra `local`), and is imported when a model is tuned.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import SaveStrategy

from whyfeel.models.local.checkpoint import Loaded
from whyfeel.runs.folder import write_json
from whyfeel.runs.spec import file_hashes
from whyfeel.tune.encode import Encoded, collate
from whyfeel.tune.options import TuneOptions
from whyfeel.tune.watch import TrainWatch

WEIGHTS, OPTIMIZER, RANDOM = "weights.safetensors", "optimizer.safetensors", "random.safetensors"
STATE, DIGESTS = "optimizer.json", "digests.json"
CHECKPOINT = "checkpoint-"
SAVES, TOLD = 10, 100  # checkpoints, and points of the loss curve, in a whole training
WARM_UP = 0.06  # the share of the steps in which the learning rate rises; then it falls along half a cosine
WEIGHT_DECAY, LONGEST_GRADIENT = 0.01, 1.0


class Quietly(Trainer):  # type: ignore[misc]
    """A Trainer that keeps the order of its data, and its state as safetensors and JSON."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:  # noqa: ANN401, ARG002 - transformers' names
        return torch.utils.data.SequentialSampler(self.train_dataset)  # the data set is in its order already

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401, ARG002
        """The weights that change, by the model's own names: those of a saved model are other ones."""
        assert output_dir is not None
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        changing = {name: one for name, one in self.model.named_parameters() if one.requires_grad}
        save_file({name: one.detach().contiguous() for name, one in changing.items()}, Path(output_dir, WEIGHTS))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401, ARG002
        saved = load_file(Path(resume_from_checkpoint, WEIGHTS))
        with torch.no_grad():
            for name, one in self.model.named_parameters():
                if one.requires_grad:
                    one.copy_(saved[name])

    def _save_rng_state(self, output_dir: str) -> None:
        """Where torch's random numbers stand, by which a model with dropout learns."""
        on_gpu = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
        save_file({"cpu": torch.get_rng_state(), **on_gpu}, Path(output_dir, RANDOM))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        saved = load_file(Path(checkpoint, RANDOM))
        torch.set_rng_state(saved["cpu"])
        if "cuda" in saved and torch.cuda.is_available():
            torch.cuda.set_rng_state(saved["cuda"])

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        state = self.optimizer.state_dict()
        tensors = {f"{place} {name}": one for place, held in state["state"].items() for name, one in held.items()}
        save_file({name: one.contiguous() for name, one in tensors.items()}, Path(output_dir, OPTIMIZER))
        kept = {"groups": state["param_groups"], "scheduler": _plain(self.lr_scheduler.state_dict())}
        Path(output_dir, STATE).write_text(json.dumps(kept), "utf-8")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        kept = json.loads(Path(checkpoint, STATE).read_text("utf-8"))
        held: dict[int, dict[str, Any]] = {}
        for name, one in load_file(Path(checkpoint, OPTIMIZER)).items():
            place, _, part = name.partition(" ")
            held.setdefault(int(place), {})[part] = one
        self.optimizer.load_state_dict({"state": held, "param_groups": kept["groups"]})
        self.lr_scheduler.load_state_dict(self.lr_scheduler.state_dict() | kept["scheduler"])

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401
        super()._save_checkpoint(model, trial)
        seal(Path(self.args.output_dir, f"{CHECKPOINT}{self.state.global_step}"))


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """What of a scheduler's state JSON can hold; the rest are its functions, which are built anew."""
    return {
        name: value for name, value in state.items() if isinstance(value, int | float | list) and name != "lr_lambdas"
    }


def seal(folder: Path) -> None:
    """Say of a checkpoint, once it is whole, what its files hold."""
    write_json(folder / DIGESTS, file_hashes(sorted(one for one in folder.iterdir() if one.name != DIGESTS)))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in a folder, None where there is none; what is not whole is removed."""
    found = sorted(folder.glob(f"{CHECKPOINT}*"), key=lambda one: int(one.name.removeprefix(CHECKPOINT)), reverse=True)
    for one in found:
        try:
            digests = json.loads((one / DIGESTS).read_bytes())
            if digests == file_hashes(path for path in sorted(one.iterdir()) if path.name != DIGESTS):
                return one
        except (OSError, ValueError):
            pass
        shutil.rmtree(one)  # a kill left it behind
    return None


class Telling(TrainerCallback):  # type: ignore[misc]
    """Tells a watch how far the training is."""

    def __init__(self, watch: TrainWatch) -> None:
        self._watch = watch
        self._loss: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """The training starts."""
        self._watch.train(state.max_steps, state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """The loss is known."""
        self._loss = (logs or {}).get("loss", self._loss)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """A step is done."""
        self._watch.step(state.global_step, self._loss)


def train(
    loaded: Loaded,
    model: Any,  # noqa: ANN401 - transformers' or peft's
    encoded: Encoded,
    steps: int,
    options: TuneOptions,
    folder: Path,
    watch: TrainWatch,
) -> list[tuple[int, float]]:
    """Train a model in place, from the newest checkpoint in a folder if there is one.

    Args:
        loaded: the model's tokenizer and place.
        model: what is trained: the model itself, or peft's around it.
        steps: in all; the examples of `encoded` are as many as they take.
        folder: of the checkpoints.

    Returns:
        (step, mean loss of a token since the one before), TOLD of them or fewer.
    """
    resumed = last_checkpoint(folder)
    trainer = Quietly(
        model=model,
        args=_arguments(loaded, options, steps, folder),
        train_dataset=encoded,
        data_collator=partial(collate, pad=loaded.tokenizer.pad_token_id or 0),
        callbacks=[Telling(watch)],
    )
    for callback in ("PrinterCallback", "ProgressCallback"):
        for one in [one for one in trainer.callback_handler.callbacks if type(one).__name__ == callback]:
            trainer.remove_callback(one)
    model.config.use_cache = False
    try:
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    finally:
        watch.trained()
        model.config.use_cache = True
    return [(entry["step"], float(entry["loss"])) for entry in trainer.state.log_history if "loss" in entry]


def _arguments(loaded: Loaded, options: TuneOptions, steps: int, folder: Path) -> Any:  # noqa: ANN401
    on_gpu = loaded.place.device == "cuda"
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.rate,
        warmup_steps=math.ceil(WARM_UP * steps),
        lr_scheduler_type="cosine",
        weight_decay=WEIGHT_DECAY,
        adam_beta2=0.98,
        max_grad_norm=LONGEST_GRADIENT,
        save_strategy=SaveStrategy.STEPS,
        save_steps=math.ceil(steps / SAVES),
        save_total_limit=2,
        logging_steps=math.ceil(steps / TOLD),
        logging_first_step=False,
        use_cpu=not on_gpu,
        bf16=on_gpu and loaded.place.dtype == "bfloat16",
        seed=options.seed % 2**32,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        logging_nan_inf_filter=False,
    )
