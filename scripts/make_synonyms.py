"""Make src/whyfeel/judging/wordnet/synonyms.npz from WordNet 3.0's database files; the same files give the same bytes.

usage: make_synonyms.py [FOLDER] [OUT], where FOLDER holds data.* and index.* (Debian: /usr/share/wordnet, which the
package wordnet-base installs).

A word keeps its first SENSES senses of each part of speech; words of one stem share theirs. Two synsets are neighbours
where one points to the other as a hypernym, hyponym, similar adjective, derived form, "see also", attribute, or the
adjective that an adverb comes from. Of what could never decide a similarity nothing is kept: phrases and words that no
answer's word can be equal to, and synsets of one stem without neighbours.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whyfeel.judging.claims import stem

WORDNET = Path("/usr/share/wordnet")
TABLE = Path(__file__).resolve().parents[1] / "src/whyfeel/judging/wordnet/synonyms.npz"
FILES = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
SENSES = 4
NEIGHBOURS = frozenset("@~&+^=\\")  # of wninput(5WN): the pointers that keep to the meaning


def lines(file: Path) -> Iterator[list[str]]:
    """The fields of each entry, without the licence above them and the glosses."""
    with file.open(encoding="utf-8") as entries:
        for entry in entries:
            if not entry.startswith(" "):
                yield entry.partition("|")[0].split()


def pointers(folder: Path) -> set[tuple[str, str]]:
    """The pairs of neighbouring synsets, each once, its lesser name first."""
    pairs = set()
    for name, part in FILES.items():
        for fields in lines(folder / f"data.{name}"):
            first = 4 + 2 * int(fields[3], 16)  # behind the words, of which each has two fields
            for at in range(first + 1, first + 1 + 4 * int(fields[first]), 4):
                symbol, offset, other = fields[at : at + 3]
                if symbol in NEIGHBOURS:
                    one, two = sorted((part + fields[0], other.replace("s", "a") + offset))
                    pairs.add((one, two))
    return pairs


def senses(folder: Path) -> dict[str, set[str]]:
    """The synsets of each stem."""
    of_stem: dict[str, set[str]] = defaultdict(set)
    for name, part in FILES.items():
        for fields in lines(folder / f"index.{name}"):
            if fields[0].isalnum():
                first = 6 + int(fields[3])
                of_stem[stem(fields[0])].update(part + offset for offset in fields[first : first + SENSES])
    return of_stem


def table(folder: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays that `Synonyms` reads; synsets are numbered by part of speech and place in its file."""
    of_stem = senses(folder)
    held = Counter(synset for synsets in of_stem.values() for synset in synsets)
    pairs = [(one, two) for one, two in pointers(folder) if one in held and two in held]
    useful = {synset for synset, times in held.items() if times > 1} | {synset for pair in pairs for synset in pair}
    number = {synset: n for n, synset in enumerate(sorted(useful))}
    of_stem = {one: kept for one, synsets in of_stem.items() if (kept := synsets & useful)}
    stems = sorted(of_stem)
    edges = np.array(sorted((number[one], number[two]) for one, two in pairs), np.int32)
    return {
        "stems": np.frombuffer("\n".join(stems).encode(), np.uint8),
        "senses": np.array([len(of_stem[one]) for one in stems], np.uint8),
        "synsets": np.array([n for one in stems for n in sorted(number[s] for s in of_stem[one])], np.int32),
        "neighbours": np.bincount(edges[:, 0], minlength=len(number)).astype(np.uint16),
        "others": edges[:, 1].copy(),
    }


def main(folder: Path = WORDNET, out: Path = TABLE) -> int:
    """Write the table."""
    if not (folder / "data.noun").is_file():
        print(f"expected WordNet's data.noun in {str(folder)!r}: install wordnet-base, or name the folder")
        return 2
    np.savez(
        out, allow_pickle=False, **table(folder)
    )  # not compressed: a wheel is, and compressed bytes would depend on the library
    print(f"{out}: {out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
