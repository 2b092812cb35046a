"""Write the records and pictures that the benchmark runs on.

python bench/make_data.py FOLDER PICTURES RECORDS...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int) -> None:
    """Distinct JPEG files of about 60 KB."""
    if (folder / f"{count - 1}.jpg").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    low = Image.fromarray(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    smooth = np.asarray(low.resize((640, 480), Image.Resampling.BICUBIC)).astype(np.int16)
    noise = rng.normal(0, 9, smooth.shape)
    for index in range(count):
        pixels = np.clip(smooth + np.roll(noise, 997 * index), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.jpg", quality=68)


def write_records(path: Path, count: int, pictures: int) -> None:
    """A record file in the `jsonl` format; no two questions are alike."""
    with path.open("w", encoding="utf-8") as file:
        for index in range(count):
            record = {
                "id": str(index),
                "image": f"{index % pictures}.jpg",
                "question": f"Why might person {index} in this picture feel that way?",
                "emotion": ("happy", "angry", "sad", "excited")[index % 4],
                "triggers": [f"Trigger {index % 89} of the scene", "Smiling broadly", f"Object {index}"],
            }
            file.write(json.dumps(record) + "\n")


def main(folder: Path, pictures: int, *records: int) -> None:
    """The pictures, and a record file of each length; where records outnumber pictures, they share them."""
    write_pictures(folder / "images", pictures)
    for count in records:
        write_records(folder / f"{count}.jsonl", count, pictures)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
