from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from whyfeel.judging.claims import stem, trigger_stems
from whyfeel.judging.synonyms import NEIGHBOUR, SAME, SYNSET, Synonyms, Vocabulary, synonyms

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_synonyms.py"
SHIPPED = files("whyfeel.judging").joinpath("wordnet")


def nearness(table: Synonyms, stems: list[str]) -> list[list[int]]:
    vocabulary = Vocabulary(table, {one: n for n, one in enumerate(stems)})
    return [vocabulary.nearness(one).tolist() for one in stems]


def made(out: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    told = subprocess.run([sys.executable, SCRIPT, *arguments, out], capture_output=True, text=True, check=False)
    assert told.stderr == ""
    return told


@pytest.fixture(scope="module")
def wordnet() -> Path:
    folder = Path("/usr/share/wordnet")
    if not (folder / "data.noun").is_file():
        assert os.environ.get("REQUIRE_ALL") != "1"
        pytest.skip("not on this machine: WordNet's database, Debian's package wordnet-base")
    return folder


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("smile", "grin", SYNSET),
        ("quarrel", "disput", SYNSET),
        ("quarrel", "argument", NEIGHBOUR),
        ("happi", "joy", NEIGHBOUR),
        ("happi", "sad", 0),  # an antonym is no neighbour
        ("smile", "quarrel", 0),
        ("smile", "xyzzi", 0),
    ],
)
def test_words_that_are_near(one, other, near):
    assert nearness(synonyms(), [one, other])[0][1] == near


def test_a_word_that_wordnet_lacks_is_near_itself_only():
    assert nearness(synonyms(), ["蛋糕", "xyzzi", "", "cake"]) == (SAME * np.eye(4, dtype=int)).tolist()


def test_nearness_is_mutual(released):
    stems = sorted({one for s in released[:150] for t in s.triggers for one in trigger_stems(t.text)})
    matrix = np.array(nearness(synonyms(), stems))
    assert len(stems) > 400
    np.testing.assert_array_equal(matrix, matrix.T)
    assert set(np.unique(matrix).tolist()) == {0, NEIGHBOUR, SYNSET, SAME}


def test_the_licence_lies_beside_the_table():
    text = SHIPPED.joinpath("LICENSE").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved." in text
    assert "Permission to use, copy, modify and distribute" in text
    assert "WordNet 3.0" in SHIPPED.joinpath("NOTICE").read_text(encoding="utf-8")


def test_the_shipped_table_is_what_the_script_makes(wordnet, tmp_path):
    made(tmp_path / "again.npz", wordnet)
    assert (tmp_path / "again.npz").read_bytes() == SHIPPED.joinpath("synonyms.npz").read_bytes()


def read(wordnet: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The rules once more, as sets: stem to synsets, and to the synsets that those point to."""
    points, holds, neighbours = {}, defaultdict(set), defaultdict(set)
    for name, letter in (("noun", "n"), ("verb", "v"), ("adj", "a"), ("adv", "r")):
        for line in (wordnet / f"data.{name}").read_text(encoding="utf-8").splitlines():
            if line[0].isdigit():
                words = line.split(" | ")[0].split(" ")
                rest = words[4 + 2 * int(words[3], 16) :]
                told = [rest[1 + 4 * n : 4 + 4 * n] for n in range(int(rest[0]))]
                points[letter + words[0]] = {
                    ("a" if part == "s" else part) + offset
                    for symbol, offset, part in told
                    if symbol in {"@", "~", "&", "+", "^", "=", "\\"}
                }
    for name, letter in (("noun", "n"), ("verb", "v"), ("adj", "a"), ("adv", "r")):
        for line in (wordnet / f"index.{name}").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if line[0] != " " and "_" not in words[0]:
                one = stem(words[0])
                for offset in words[-int(words[2]) :][:4]:
                    holds[one].add(letter + offset)
                    neighbours[one] |= points[letter + offset]
    return holds, neighbours


def test_nearness_agrees_with_the_database_itself(wordnet, released):
    holds, neighbours = read(wordnet)
    stems = sorted({one for s in released[::20] for t in s.triggers for one in trigger_stems(t.text)})

    def expected(one: str, other: str) -> int:
        if one == other:
            return SAME
        if holds[one] & holds[other]:
            return SYNSET
        return NEIGHBOUR if neighbours[one] & holds[other] or neighbours[other] & holds[one] else 0

    matrix = nearness(synonyms(), stems)
    assert matrix == [[expected(one, other) for other in stems] for one in stems]


NOUNS = """\
  1 a licence
00000001 03 n 02 joy 0 delight 0 002 @ 00000002 n 0000 + 00000001 v 0101 | gladness
00000002 03 n 01 emotion 0 001 ~ 00000001 n 0000 | any strong feeling
00000003 03 n 01 sorrow 0 001 ! 00000001 n 0101 | the opposite
00000004 03 n 01 birthday_cake 0 001 @ 00000002 n 0000 | a phrase
"""
NOUN_INDEX = """\
  1 a licence
birthday_cake n 1 1 @ 1 0 00000004
delight n 1 0 1 0 00000001
emotion n 1 1 ~ 1 0 00000002
joy n 5 2 @ + 5 0 00000003 00000002 00000003 00000002 00000001
sorrow n 1 1 ! 1 0 00000003
"""


@pytest.fixture
def small(tmp_path) -> Path:
    folder = tmp_path / "wordnet"
    folder.mkdir()
    verb = "00000001 29 v 02 rejoice 0 enrapture 1 000 01 + 02 00 | feel happiness\n"
    made_of = {
        "data.noun": NOUNS,
        "index.noun": NOUN_INDEX,
        "data.verb": verb,
        "index.verb": "rejoice v 1 0 1 0 00000001\n",
        "data.adj": "00000001 00 s 01 joyous 0 002 & 00000002 s 0000 + 00000001 n 0101 | full of joy\n"
        "00000002 00 a 01 glad 0 000 | pleased\n",
        "index.adj": "glad a 1 0 1 0 00000002\njoyous a 1 2 & + 1 0 00000001\n",
        "data.adv": "",
        "index.adv": "",
    }
    for name, text in made_of.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_small_database_by_hand(small, tmp_path):
    made(tmp_path / "one.npz", small)
    made(tmp_path / "two.npz", small)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as arrays:
        table = Synonyms(arrays)
    stems = ["delight", "joy", "emot", "sorrow", "rejoic", "glad", "joyous", stem("birthday_cake")]
    assert nearness(table, stems) == [
        # the first four senses of joy leave out the one that it has in common with delight, but hold its hypernym
        [10, 6, 6, 0, 6, 0, 6, 0],
        [6, 10, 8, 8, 0, 0, 0, 0],
        [6, 8, 10, 0, 0, 0, 0, 0],
        [0, 8, 0, 10, 0, 0, 0, 0],
        [6, 0, 0, 0, 10, 0, 0, 0],
        [0, 0, 0, 0, 0, 10, 6, 0],
        [6, 0, 0, 0, 0, 6, 10, 0],
        [0, 0, 0, 0, 0, 0, 0, 10],
    ]


def test_a_folder_without_wordnet_is_named(tmp_path):
    told = made(tmp_path / "out.npz", tmp_path)
    assert told.returncode == 2
    assert told.stdout == f"expected WordNet's data.noun in '{tmp_path}': install wordnet-base, or name the folder\n"
    assert not (tmp_path / "out.npz").exists()
