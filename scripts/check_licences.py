"""Are all packages that whyfeel installs under a permissive licence? The development tools are not looked at."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, files, requires
from pathlib import Path

PERMISSIVE = "MIT;BSD;Apache;PSF;Python Software Foundation;ISC;MPL;HPND;Unlicense;0BSD;Zlib;CC0"

# packages whose metadata names no licence, and how the licence file begins that they come with
BY_FILE = {"agent-client-protocol": "Apache License"}


def needed(package: str, seen: set[str]) -> set[str]:
    """The package and everything it requires; of whyfeel also its extras, but for the development tools."""
    name = re.sub(r"[-_.]+", "-", package).lower()
    if name in seen:
        return seen
    try:
        requirements = requires(name) or []
    except PackageNotFoundError:
        return seen  # required on another platform or Python version
    seen.add(name)
    for requirement in requirements:
        if "extra ==" not in requirement or (name == "whyfeel" and "dev" not in requirement):
            needed(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0], seen)
    return seen


def says(package: str, words: str) -> bool:
    """Whether the licence file of a package begins with these words."""
    found = (Path(str(one.locate())) for one in files(package) or () if one.name.startswith("LICENSE"))
    return any(path.read_text(encoding="utf-8").lstrip().startswith(words) for path in found)


def main() -> int:
    """Ask pip-licenses about each; its exit status says whether one is not permitted."""
    packages = sorted(needed("whyfeel", set()))
    print(f"licences of {len(packages)} packages")
    packages = [one for one in packages if not (one in BY_FILE and says(one, BY_FILE[one]))]
    command = [str(Path(sys.executable).parent / "pip-licenses"), "--from=mixed", "--partial-match"]
    command += [f"--allow-only={PERMISSIVE}", "--packages", *packages]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
