"""Do the docs still say what the program does? `--write` brings the generated parts up to date.

Checked: docs/cli.md against `--help` of every command, the table in README.md against what `whyfeel demo` prints, the
tree in README.md against the folders, and every link between the documents.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHYFEEL = Path(sys.executable).parent / "whyfeel"
COMMANDS = (
    *("run", "judge", "judge-answers", "score", "data check"),
    *("annotate IMAGES", "annotate plan", "review", "export"),
    *("study plan", "study create", "study serve", "study status", "study results", "study export"),
    *("metrics", "meta", "draw", "tune", "intervene", "probe", "report", "view"),
    *("compare", "agree", "calibrate", "power", "published", "tasks", "models", "doctor", "demo"),
)
DEMO = re.compile(r"(<!-- demo -->\n```text\n)(.*?)(```\n<!-- /demo -->)", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ROOM = re.compile(r"^[│├└─ ]+(\w+)/ ", re.MULTILINE)


def said(*arguments: str) -> str:
    """What a command prints, without the blanks that pad its lines."""
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run([WHYFEEL, *arguments], capture_output=True, text=True, check=True, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines()) + "\n"


def cli_page() -> str:
    """docs/cli.md, from the program's own help."""
    head = "# Commands\n\nGenerated from `--help` by `make docs`.\n"
    parts = (f"\n## whyfeel {one}\n\n```text\n{said(*one.split(), '--help')}```\n" for one in COMMANDS)
    return head + "".join(parts)


def with_demo(readme: str) -> str:
    """README.md with the table that `whyfeel demo` prints now."""
    return DEMO.sub(lambda match: match[1] + said("demo") + match[3], readme)


def broken_links() -> list[str]:
    """Links between documents that lead nowhere."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [
        f"{page.relative_to(ROOT)} links to {target}, which is not there"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]


def missing_rooms() -> list[str]:
    """Packages that a tree does not show, and those it shows that are not there."""
    rooms = {path.parent.name for path in (ROOT / "src" / "whyfeel").glob("*/__init__.py")}
    shown = set(ROOM.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    return [f"README.md's tree lacks {room}/" for room in sorted(rooms - shown)]


def main(*, write: bool) -> int:
    """Compare, or write; the exit status says whether anything drifted."""
    readme, page = ROOT / "README.md", ROOT / "docs" / "cli.md"
    wanted = {readme: with_demo(readme.read_text(encoding="utf-8")), page: cli_page()}
    problems = [*broken_links(), *missing_rooms()]
    for path, text in wanted.items():
        if write:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            problems.append(f"{path.relative_to(ROOT)} has drifted: run `make docs`")
    for problem in problems:
        print(problem)
    print("docs: " + ("written" if write else f"{len(problems)} problems"))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(write="--write" in sys.argv[1:]))
