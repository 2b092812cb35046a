"""The card of a tuned model: what it was made from, what it was shown, and how it did.

Markdown under the front matter that the Hugging Face Hub reads. Words out of data stand in code spans.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from whyfeel.interop.card import code
from whyfeel.tune.plan import Plan

NAMED = 20  # ids that are named of each reason
WARNINGS = (
    "**It says what its annotators would say.** It was shown triggers as people or models wrote them down, and names "
    "what they would name; it knows nothing certain about what anybody in a picture feels.",
    "**Do not measure it on samples it was trained on**, nor on annotations by the models that wrote them. What is "
    "held out below shares no picture with them.",
    "The licences of the base model and of the data go with it: to mind them is a matter of whoever passes it on.",
)


def card(plan: Plan, told: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    lora = plan.options.method == "lora"
    kind = "A LoRA adapter" if lora else "A model"
    parts = [
        _front(plan, lora=lora),
        f"# {kind} that names the causes of emotions",
        f"{kind} tuned from {code(plan.checkpoint.name)}; `whyfeel run … --model local:THIS-FOLDER` asks it.",
        *WARNINGS,
        *("## What it was made from", _items(_made(plan, told))),
        *("## What was left out", _items(_left_out(plan)) or "Nothing."),
        *("## How", _items(_method(told))),
        *("## How it does", _items(_measured(told)) or "Not measured."),
    ]
    return "\n\n".join(parts) + "\n"


def _front(plan: Plan, *, lora: bool) -> str:
    library = "peft" if lora else "transformers"
    base = json.dumps(plan.checkpoint.name)
    tags = ("tags:", "- whyfeel", "- emotion")
    return "\n".join(("---", f"library_name: {library}", f"base_model: {base}", "license: unknown", *tags, "---"))


def _made(plan: Plan, told: Mapping[str, Any]) -> list[str]:
    samples, pictures = told["samples"], told["pictures"]
    return [
        f"base model {code(plan.checkpoint.name)}, SHA-256 of all its files {code(plan.checkpoint.digest)}",
        f"source {code(plan.source.name)}",
        *(f"record file {code(name)}, SHA-256 {code(digest)}" for name, digest in plan.source.files.items()),
        f"trained on {samples['train']:,} samples with {pictures['train']:,} pictures",
        f"conversations: {told['examples']:,}",
        f"held out: {samples['held_out']:,} samples with {pictures['held_out']:,} other pictures",
    ]


def _left_out(plan: Plan) -> list[str]:
    lines = []
    for why, ids in plan.left_out.items():
        more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
        lines.append(f"{len(ids):,}, because {code(why)}: {', '.join(map(code, ids[:NAMED]))}{more}")
    return lines


def _method(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in told["settings"].items()]
    lines += [f"seed: {told['seed']}", f"parameters that were changed: {told['trained_parameters']:,}"]
    losses = told["loss"]
    if losses:
        lines.append(f"loss of a token of the answer: {losses[0][1]:.3f} at first, {losses[-1][1]:.3f} in the end")
    return [*lines, *(f"{name} {version}" for name, version in told["versions"].items())]


def _measured(told: Mapping[str, Any]) -> list[str]:
    if (found := told.get("measured")) is None:
        return []
    lines = [f"{found['score']}, judged by {code(found['judge'])}, with 95% intervals by picture"]
    for name in ("before", "after", "difference"):
        one = found[name]
        lines.append(f"{name}: {_number(one['value'])} [{_number(one['low'])}, {_number(one['high'])}], n {one['n']:,}")
    return lines


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
