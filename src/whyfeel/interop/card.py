"""The data card beside every export: where the data comes from, who did what to it, and what it must not be used for.

Markdown under the front matter that the Hugging Face Hub reads. Words out of data stand in code spans, so that none of
them becomes markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyfeel import __version__
from whyfeel.interop.outgoing import Outgoing
from whyfeel.interop.people import People

NAMED = 20  # ids that are named of each reason; `--json` has them all
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
STATUSES = {
    "automatic": "as the models left them, and nobody has looked at them",
    "reviewed": "as one person left them, or as two people who agree",
    "adjudicated": "two people differed, and a third decided",
    "disputed": "two people differ and nobody has decided; here are the triggers of who finished first",
}
WARNINGS = (
    "**Do not measure the models named below on this data.** They wrote it, and find in it what they say anyway; so "
    "do models trained on their words. A score of theirs here is no evidence of understanding.",
    "Emotions were given by the data or by the user, never inferred from faces. The triggers are what models and "
    "people take for causes of an emotion that was named to them; they say nothing certain about what anybody in a "
    "picture felt.",
    "The licence of the pictures, and whether they may be passed on, is a matter of whoever publishes this.",
)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What the card says of the export itself.

    Attributes:
        format: its name.
        what: the format in a sentence.
        file: the name of the file, "" for a folder.
    """

    format: str
    what: str
    file: str


def card(shipped: Shipped, outgoing: Outgoing, people: People) -> str:
    """The data card as Markdown."""
    manifest = outgoing.run.manifest
    parts = [
        *(_front(shipped, outgoing.records), f"# Causes of emotions in pictures ({shipped.format})", shipped.what),
        *WARNINGS,
        *("## What is here", _items(_written(outgoing))),
        *("## What was left out", _items(_left_out(outgoing.left_out)) or "Nothing."),
        *("## Where it comes from", _items(_source(manifest))),
        *("## Models", _items(_models(manifest))),
        *("## How", _items(_method(manifest))),
        *("## Triggers that do not count", _items(_dropped(outgoing)) or "None."),
        *("## People", _items(people.lines()) or "No person has reviewed it."),
    ]
    return "\n\n".join(parts) + "\n"


def code(text: object) -> str:
    """Words out of data as a code span on one line.

    >>> code("a `b`"), code("sad")
    ("`` 'a `b`' ``", "`'sad'`")
    """
    shown = repr(str(text))
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence, gap = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{gap}{shown}{gap}{fence}"


def _front(shipped: Shipped, records: int) -> str:
    """The front matter: YAML, of which JSON strings are a part."""
    size = next((name for bound, name in SIZES if records < bound), "n>1M")
    lines = [
        *("---", "pretty_name: Causes of emotions in pictures", "license: unknown"),
        *("task_categories:", "- visual-question-answering"),
        *("tags:", "- whyfeel", "- emotion", "- affective-computing", "size_categories:", f"- {size}"),
    ]
    if shipped.file:
        lines += ["configs:", "- config_name: default", f"  data_files: {json.dumps(shipped.file)}"]
    return "\n".join([*lines, "---"])


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _written(outgoing: Outgoing) -> list[str]:
    by_status = [
        f"{outgoing.statuses[name]:,} {name}: {why}" for name, why in STATUSES.items() if name in outgoing.statuses
    ]
    emotions = ", ".join(
        f"{code(name) if name else 'none named'} {n:,}" for name, n in outgoing.emotions.most_common(30)
    )
    return [
        f"{outgoing.records:,} annotations with {outgoing.triggers:,} triggers",
        *by_status,
        f"emotions asked about: {emotions}",
    ]


def _left_out(left_out: Mapping[str, list[str]]) -> list[str]:
    lines = []
    for why, ids in left_out.items():
        more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
        lines.append(f"{len(ids):,}, because {code(why)}: {', '.join(map(code, ids[:NAMED]))}{more}")
    return lines


def _source(manifest: Mapping[str, Any]) -> list[str]:
    spec = manifest["spec"]
    given = manifest.get("input")
    lines = [f"source: {code(spec['source'])}" + (f", {code(Path(given).name)}" if given else "")]
    lines += [f"record file {code(name)}, SHA-256 {code(digest)}" for name, digest in spec["data"].items()]
    lines += [f"the first {manifest['limit']:,} of it"] if manifest.get("limit") is not None else []
    lines += [f"asked by the user: {code(spec['query'])}"] if spec.get("query") else []
    lines += [f"emotions given by the user: {', '.join(map(code, spec['emotion']))}"] if spec.get("emotion") else []
    today = datetime.now(UTC).date().isoformat()
    made = f"annotated from {code(manifest['created'])} with whyfeel {code(manifest.get('whyfeel', 'unknown'))}"
    return [*lines, made, f"exported on {today} with whyfeel {__version__}"]


def _models(manifest: Mapping[str, Any]) -> list[str]:
    """Declared names, what they were asked for, and where; addresses in run.json hold no secrets."""
    spec = manifest["spec"]
    roles: dict[tuple[str, str], list[str]] = {}
    for entry in manifest["addresses"]:
        roles.setdefault((entry["model"], entry["address"]), []).append(entry["role"])
    return [
        f"shown the pictures: {code(spec['vlm'])}{_gen(spec.get('gen'))}",
        f"told of them in words: {code(spec['llm'])}{_gen(spec.get('llm_gen'))}",
        *(
            f"{code(model)} at {code(address)} for {', '.join(map(code, dict.fromkeys(names)))}"
            for (model, address), names in roles.items()
        ),
    ]


def _gen(gen: Mapping[str, Any] | None) -> str:
    return f", with {code(json.dumps(gen))}" if gen else ""


def _method(manifest: Mapping[str, Any]) -> list[str]:
    spec = manifest["spec"]
    settings = spec["settings"]
    lines = ["a chain of questions about each picture (Coarse-to-Fine Self-Ask, arXiv 2504.07521)"]
    lines += [f"general question {code(question)}" for question in settings.get("questions", ())]
    for name in ("scenarios", "repeat"):
        lines += [f"{name}: {settings[name]}"] if name in settings else []
    lines.append(f"gates: {', '.join(map(code, settings.get('gates', ()))) or 'none'}")
    lines += [f"seed: {spec['seed']}"] if "seed" in spec else []
    lines += [f"pictures as they were sent: {code(spec['pictures'])}"] if spec.get("pictures") else []
    origins = manifest.get("prompts", {})
    for name, digest in spec["prompts"].items():
        origin = origins.get(name, {}).get("origin", "unknown")
        lines.append(f"prompts {code(name)} of {code(origin)}, hash {code(digest)}")
    return lines


def _dropped(outgoing: Outgoing) -> list[str]:
    return [f"{code(why)}: {n:,}" for why, n in outgoing.dropped.most_common()]
