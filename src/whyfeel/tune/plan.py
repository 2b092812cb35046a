"""What is trained on what, before anything is loaded: the samples of both sides, their conversations, and the spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyfeel.checkpoint_files import Checkpoint
from whyfeel.errors import UserError
from whyfeel.media import Loaded, conversion
from whyfeel.models.local.checkpoint import find_local
from whyfeel.prompts import Prompts, load_prompts
from whyfeel.records import Media, Sample, rng
from whyfeel.runs.spec import prompt_hashes
from whyfeel.tune.examples import STRATEGY, Example, Source, examples_of, read_eval, read_source
from whyfeel.tune.options import TuneOptions
from whyfeel.tune.pictures import keys_of, read_pictures
from whyfeel.tune.split import apart, split

TRAINED_ON = "its picture is among those of --eval-data"


@dataclass(frozen=True)
class Plan:
    """A tuning, decided.

    Attributes:
        checkpoint: the model that is tuned.
        source, measured: where the samples come from that are trained on, and measured on; None where nothing is.
        train, held_out: the samples of both sides.
        examples: the conversations to learn.
        pictures: those of the samples that are trained on.
        steps: in all.
        left_out: reason to the ids of what nothing is learnt from.
        spec: what decides the result.
        prompts: the texts.
    """

    options: TuneOptions
    checkpoint: Checkpoint
    source: Source
    measured: Source | None
    train: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    examples: tuple[Example, ...]
    pictures: Mapping[Media, Loaded]
    steps: int
    left_out: Mapping[str, list[str]]
    spec: Mapping[str, Any]
    prompts: Prompts

    def order(self) -> list[int]:
        """Which example stands at each place of the training: every epoch has all of them, in an order of its own."""
        n, wanted = len(self.examples), self.steps * self.options.batch_size
        epochs = (rng(self.options.seed, "order", epoch).permutation(n) for epoch in range(math.ceil(wanted / n)))
        return [int(place) for epoch in epochs for place in epoch][:wanted]


def plan_tuning(options: TuneOptions) -> Plan:
    """Read the samples and their pictures, and decide who is on which side; the model is hashed, not loaded.

    Raises:
        UserError: the source, the model or the pictures are not what they should be, or nothing can be held out.
        DataError: a file is malformed.
    """
    prompts = load_prompts(options.prompts)
    source = read_source(options)
    checkpoint = find_local(options.base, local_only=options.local_only)
    if checkpoint.adapter is not None and options.method == "lora":
        raise UserError(
            f"--model {options.model!r} is an adapter already; tune the model below it, or use --method full"
        )
    pictures = dict(read_pictures(source.images, source.samples, options.max_side))
    keys = [keys_of(sample, pictures) for sample in source.samples]
    left_out = dict(source.left_out)
    measured = source if options.share else None
    if options.eval_data is not None:
        measured = read_eval(options.eval_data)
        seen = read_pictures(measured.images, measured.samples, options.max_side)
        places, held_out = apart(keys, [keys_of(one, seen)[1:] for one in measured.samples]), measured.samples
        if gone := sorted(set(range(len(keys))) - set(places)):
            left_out[TRAINED_ON] = [source.samples[place].id for place in gone]
    else:
        places, held = split(keys, options.share, options.seed)
        held_out = tuple(source.samples[place] for place in held)
    train = tuple(source.samples[place] for place in places)
    if not train:
        raise UserError("--eval-data shows every picture of SOURCE, so that nothing is left to train on")
    examples = tuple(examples_of(source, train, prompts))
    steps = math.ceil(len(examples) * options.epochs / options.batch_size)
    steps = steps if options.max_steps is None else min(steps, options.max_steps)
    spec = _spec(options, checkpoint, source, measured, prompts, steps)
    return Plan(
        *(options, checkpoint, source, measured, train, held_out, examples, pictures, steps, left_out, spec, prompts)
    )


def _spec(
    options: TuneOptions,
    checkpoint: Checkpoint,
    source: Source,
    measured: Source | None,
    prompts: Prompts,
    steps: int,
) -> dict[str, Any]:
    """What decides the weights and the scores that come out."""
    settings: dict[str, Any] = {
        "method": options.method,
        "steps": steps,
        "batch_size": options.batch_size,
        "learning_rate": options.rate,
    }
    return {
        "source": source.name,
        "data": dict(source.files),
        "base": checkpoint.name,
        "base_digest": checkpoint.digest,
        "settings": settings | ({"rank": options.rank} if options.method == "lora" else {}),
        "held_out": options.share if options.eval_data is None or measured is None else dict(measured.files),
        "measured": {"judge": options.judge, "judge_model": options.judge_model, "gen": dict(options.gen)},
        "prompts": prompt_hashes(prompts, [STRATEGY]),
        "pictures": conversion(options.max_side),
        "seed": options.seed,
    }
