"""GoEmotions' files: what is read, what is left out, and what is wrong with a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from whyfeel.errors import DataError, UserError
from whyfeel.probe.goemotions import EKMAN, FINE, OF_EKMAN, OF_SENTIMENT, SENTIMENT, read_goemotions

LABELS = "anger\nannoyance\njoy\nneutral"


def written(folder: Path, lines: str | bytes, labels: str = LABELS) -> Path:
    (folder / "labels.txt").write_text(labels)
    path = folder / "dev.tsv"
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return path


def test_one_label_a_text_at_the_level_that_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffSo happy!\t2\tc1\r\nGrr\t0,1\tc2\n\nMixed\t0,2\tc3\nA\x85b\t3\tc4\n")
    samples, left_out = read_goemotions(path, FINE)
    assert [(one.id, one.question, one.emotion, one.cluster) for one in samples] == [
        ("c1", "So happy!", "joy", "c1"),
        ("c4", "A\x85b", "neutral", "c4"),
    ]
    assert left_out == {"with more than one label": 2}
    coarse, left_out = read_goemotions(tmp_path, EKMAN)
    assert [one.emotion for one in coarse] == ["joy", "anger", "neutral"]
    assert left_out == {"with more than one label": 1}
    assert [one.emotion for one in read_goemotions(path, SENTIMENT)[0]] == ["positive", "negative", "neutral"]


def test_the_released_comments(shared: Path) -> None:
    """Counted with other means: a line whose second field has no comma has one label."""
    folder = shared / "data" / "goemotions"
    fields = [line.split("\t") for line in (folder / "dev.tsv").read_text("utf-8").split("\n") if line]
    names = (folder / "labels.txt").read_text().split()
    single = Counter(names[int(one[1])] for one in fields if "," not in one[1])
    samples, left_out = read_goemotions(folder / "dev.tsv", FINE)
    assert Counter(one.emotion for one in samples) == single
    assert left_out.total() == len(fields) - single.total()
    for taxonomy, file in ((OF_EKMAN, "labels_ekman.txt"), (OF_SENTIMENT, "labels_group.txt")):
        assert sorted(taxonomy) == (folder / file).read_text().split()
        assert sorted(" ".join(taxonomy.values()).split()) == sorted(names)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("good\t0\tc1\nno tabs at all\n", "line 2: expected a text, label ids and a comment's id"),
        ("good\t0\tc1\n \t0\tc2\n", "line 2: expected a text"),
        ("good\tjoy\tc1\n", "line 1: expected label ids with commas between them, got 'joy'"),
        ("good\t\tc1\n", "got ''"),
        ("good\t4\tc1\n", "line 1: the label id 4 is unknown; labels.txt has 0 to 3"),
        ("good\t-1\tc1\n", "the label id -1 is unknown"),
        (b"good\t0\tc1\n\xff\t0\tc2\n", "line 2: expected UTF-8"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, lines: str | bytes, said: str) -> None:
    path = written(tmp_path, lines)
    with pytest.raises(DataError) as error:
        read_goemotions(path, FINE)
    assert str(error.value).startswith(repr(str(path)))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_files_and_strange_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \*\.tsv"):
        read_goemotions(tmp_path, FINE)
    path = written(tmp_path, "a\t0\tc\n", labels="anger\nbliss\n")
    with pytest.raises(UserError, match="expected 28, ekman, sentiment, got 'plutchik'"):
        read_goemotions(path, "plutchik")
    with pytest.raises(DataError, match=r"no coarser label is known for 'bliss'"):
        read_goemotions(path, EKMAN)
    with pytest.raises(DataError, match=r"expected a label a line, all different, got 2 lines"):
        read_goemotions(written(tmp_path, "", labels="joy\njoy"), FINE)
    (tmp_path / "labels.txt").unlink()
    with pytest.raises(DataError, match=r"labels\.txt' cannot be read"):
        read_goemotions(path, FINE)
