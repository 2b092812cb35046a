from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from whyfeel.records import Media, Sample
from whyfeel.runs.pictures import Sendable


def sample(*paths: str) -> Sample:
    name = "+".join(paths) or "text"
    return Sample(name, "Why?", "sad", (), tuple(map(Media, paths)), name)


def test_who_can_be_shown_as_an_example_has_pictures_that_can_be_sent(tmp_path: Path) -> None:
    picture = BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    (tmp_path / "good.png").write_bytes(picture.getvalue())
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    samples = [sample("good.png"), sample("bad.png"), sample("missing.png"), sample("good.png", "bad.png"), sample()]
    samples.append(sample("https://example.org/a.png"))
    found = Sendable(samples, tmp_path)
    assert [one.id for one in found] == ["good.png", "text", "https://example.org/a.png"]
    assert [one.id for one in found] == [one.id for one in found], "as often as it is needed"
    assert list(Sendable(samples, None)) == samples, "a text task has no root"
