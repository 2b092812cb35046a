"""Draw the bundled sample scenes: python scripts/draw_scenes.py [OUT]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

from scenes import angry, excited, happy, sad
from scenes.pen import FINE, HEIGHT, WIDTH, Pen
from scenes.png import encode
from scenes.scene import Scene

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "src" / "whyfeel" / "tasks" / "scenes"
SCENES: tuple[Scene, ...] = (*happy.SCENES, *angry.SCENES, *sad.SCENES, *excited.SCENES)
COLOURS = (160, 128, 112, 96, 80, 64, 48)
LIMIT = 23_000


def picture(scene: Scene) -> Image.Image:
    """Return the finished picture of a scene."""
    canvas = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    scene.draw(Pen(canvas))
    return canvas.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def compress(image: Image.Image) -> bytes:
    """Return the PNG of a picture, in as many colours as keep it small."""
    content = b""
    for colours in COLOURS:
        few = image.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        content = encode(few.convert("RGB"))
        if len(content) <= LIMIT:
            break
    return content


def record(scene: Scene) -> str:
    """Return the line of the record file which belongs to a scene."""
    fields = {
        "id": scene.slug,
        "image": f"{scene.slug}.png",
        "question": scene.question,
        "emotion": scene.emotion,
        "triggers": list(scene.triggers),
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every picture and the record file."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_OUT
    out.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        (out / f"{scene.slug}.png").write_bytes(compress(picture(scene)))
    lines = "".join(record(scene) for scene in SCENES)
    (out / "scenes.jsonl").write_text(lines, encoding="utf-8", newline="\n")
    print(f"{len(SCENES)} scenes written to {out}")


if __name__ == "__main__":
    main()
