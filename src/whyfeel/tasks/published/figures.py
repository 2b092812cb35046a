"""The published figures of EIBench: files of the package, each figure with the model, setting and judge it is of."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

OVERALL = "overall"

_MARKS = re.compile(r"[^a-z0-9.]+")
_PRECISION = r"(-(hf|fp16|bf16))*"  # what may follow a name without making it another model


def spelled(name: str) -> str:
    """A model's declared name as patterns see it: without what stands before it, in one spelling.

    >>> spelled("llava-hf/LLaVA_1.5-13b-hf"), spelled("llama3:8b-instruct-fp16"), spelled("LLaVA-1.5 (13B)")
    ('llava-1.5-13b-hf', 'llama3-8b-instruct-fp16', 'llava-1.5-13b')
    """
    return _MARKS.sub("-", name.rstrip("/").rpartition("/")[2].casefold()).strip("-")


@dataclass(frozen=True, slots=True)
class Named:
    """A model as the table names it.

    Attributes:
        name: the table's word for it.
        pattern: of the declared names that mean it, as `spelled` writes them.
        example: one that could be given to `--model`.
        withdrawn: when its provider withdrew it, "" where it is not known to have.
        judge: of a judge's model, the judge that asks it.
        family: of a model under test, the scripts it was asked by; "" where `--prompts` cannot read them.
        strategy: how it is asked, "" where the setting tells.
        bar: why no run can be held against its figures, "" where one can.
    """

    name: str
    pattern: re.Pattern[str]
    example: str
    withdrawn: str = ""
    judge: str = ""
    family: str = ""
    strategy: str = ""
    bar: str = ""

    def means(self, declared: str) -> bool:
        """Whether a declared name is a name of this model."""
        return self.pattern.fullmatch(spelled(declared)) is not None


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure.

    Attributes:
        subset: "basic" or "complex".
        setting: the table's heading.
        model, judge: whose answers, judged by which.
        group: "overall" or an emotion.
        claimed: recall in percent, to two decimals.
        n: samples it is the mean of.
        strategy: what the setting is called here.
        bar: why no run can be held against it, "" where one can.
    """

    subset: str
    setting: str
    model: Named
    judge: Named
    group: str
    claimed: float
    n: int
    strategy: str
    bar: str

    @property
    def task(self) -> str:
        """The task it is of."""
        return f"eibench-{self.subset}"

    @property
    def withdrawn(self) -> str:
        """Why it can no longer be measured anew, "" where it can."""
        return self.model.withdrawn or self.judge.withdrawn


@dataclass(frozen=True, slots=True)
class Published:
    """All published figures of a benchmark.

    Attributes:
        source: where they stand: repository, commit, file, licence, paper.
        hashes: task to the SHA-256 of its released record files.
        figures: in the table's order.
    """

    source: Mapping[str, str]
    hashes: Mapping[str, frozenset[str]]
    figures: tuple[Figure, ...]


def load_published() -> Published:
    """The figures of EIBench: 31 rows of the basic set in five groups, 13 of the complex set, two judges each."""
    folder = files("whyfeel.tasks.published")
    facts = tomllib.loads(folder.joinpath("eibench.toml").read_text(encoding="utf-8"))
    rows = csv.DictReader(folder.joinpath("eibench.csv").read_text(encoding="utf-8").splitlines())
    models, judges = _named(facts["models"]), _named(facts["judges"])
    figures = (one for row in rows for one in _figures(row, facts, models, judges))
    return Published(
        {name: facts[name] for name in ("repository", "commit", "file", "licence", "paper")},
        {task: frozenset(hashes) for task, hashes in facts["files"].items()},
        tuple(figures),
    )


def _named(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Named]:
    return {
        name: Named(name, re.compile(f"({'|'.join(entry['names'])}){_PRECISION}"), **_without_names(entry))
        for name, entry in entries.items()
    }


def _without_names(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "names"}


def _figures(
    row: Mapping[str, str], facts: Mapping[str, Any], models: Mapping[str, Named], judges: Mapping[str, Named]
) -> Iterator[Figure]:
    model, setting = models[row["model"]], facts["settings"][row["setting"]]
    for group, n in facts["samples"][row["subset"]].items():
        yield Figure(
            *(row["subset"], row["setting"], model, judges[row["judge"]], group, float(row[group]), n),
            strategy=model.strategy or setting["strategy"],
            bar=model.bar or setting.get("bar", ""),
        )
