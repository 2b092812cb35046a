"""Runs to make sites of: answers of known worth on the bundled scenes, with names that no page may take for markup."""

from __future__ import annotations

import json
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from whyfeel.runs import judge_answers, run_options
from whyfeel.site.options import SiteOptions
from whyfeel.site.writer import write_site
from whyfeel.tasks import open_task

HOSTILE = "<img src=x onerror=alert(1)>\u202eevil"
UNANSWERED = 3


class Deaf:
    """Takes remarks and forgets them."""

    def note(self, text: str) -> None: ...
    def start(self, total: int, counts: Any) -> None: ...
    def tick(self, done: int) -> None: ...
    def finish(self) -> None: ...


@cache
def run_folders(base: Path) -> tuple[Path, Path, Path]:
    """A run that names most triggers, one that names few and leaves some samples out, and one worse than blind."""
    samples = list(open_task("scenes", None, None))
    answers = {
        HOSTILE: lambda n, found: "\n".join(found[:-1]),
        "few": lambda n, found: None if n < UNANSWERED else "\n".join([found[0], "a lamp", "a chair"]),
        "none": lambda n, found: "a lamp\na chair\na door",
    }
    made = []
    for place, (name, answer) in enumerate(answers.items()):
        said = {
            one.media[0].path: answer(n, [trigger.text for trigger in one.triggers]) for n, one in enumerate(samples)
        }
        base.mkdir(parents=True, exist_ok=True)
        file = base / f"{name}.jsonl"
        file.write_text("".join(f"{json.dumps({k: v})}\n" for k, v in said.items() if v is not None), "utf-8")
        out = base / f"run-{place}"
        judge_answers(
            file, run_options({"out": out, "task": "scenes", "model": f"answers:{name}", "judge": "overlap"}), Deaf()
        )
        made.append(out)
    return made[0], made[1], made[2]


@cache
def site_folder(base: Path) -> Path:
    """A site of these runs, in a folder; its title is hostile, too."""
    return write_site(run_folders(base), base / "report" / "site", SiteOptions(title=f"A {HOSTILE}")).out


class Read(HTMLParser):
    """A page taken apart.

    Attributes:
        elements: (name, attributes) of every element.
        rows: of every table the texts of its cells, row by row.
        inline: (attributes, content) of scripts and styles.
    """

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.inline: list[tuple[str, dict[str, str | None], str]] = []
        self.words = ""
        self._cell = False
        self.feed(page.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
            self._cell = True
        elif tag in {"script", "style"}:
            self.inline.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in {"td", "th", "tr"}

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, attributes, content = self.inline[-1]
            self.inline[-1] = (tag, attributes, content + data)
            return
        self.words += data
        if self._cell:
            self.rows[-1][-1] += data

    def values(self, *names: str) -> list[str]:
        """All values of some attributes."""
        return [one for _, attributes in self.elements for name in names if (one := attributes.get(name)) is not None]
