"""The files of a model that a user named, wherever they lie: a folder or a Hub id, and never a pickle."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from whyfeel.errors import UserError, brief

ANEW = "get the model's files anew"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def model_folder(spec: str, files: Iterable[str], *, option: str, example: str, local_only: bool) -> Path:
    """The folder in which a model lies, downloaded into the Hub's cache if need be.

    Args:
        spec: a folder or, where there is no such folder, the id of a model on the Hugging Face Hub.
        files: the files that are downloaded, as names or patterns.
        option: what errors call the model by, before its name.
        example: a model's id.
        local_only: whether a Hub's model may come from its cache alone.

    Raises:
        UserError: there is no such model.
    """
    # os.path, since Path.is_dir raises for a name that is too long for any file
    if os.path.isdir(spec):  # noqa: PTH112
        return Path(spec)
    named = f"{option} {brief(spec)}"
    if not HUB_ID.fullmatch(spec):
        raise UserError(f"{named}: expected a folder, or a model's id on the Hugging Face Hub such as {example}")
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with an extra

    try:
        return Path(snapshot_download(spec, allow_patterns=list(files), local_files_only=local_only))
    except Exception as error:  # noqa: BLE001 - the Hub's client raises what any of three libraries raises
        why = "is not in the Hub's cache, and --local-only allows no download" if local_only else first_line(error)
        raise UserError(f"{named} is no folder, and cannot be had from the Hub: {why}") from None


def pickle_remark(folder: Path) -> str:
    """Why a folder's pickled weights do not serve, to follow an error; "" where it has none."""
    pickles = sorted(one.name for pattern in PICKLES for one in folder.glob(pattern))
    return f"; {brief(pickles[0])} is not read, since a pickle can run code" if pickles else ""


def first_line(error: BaseException) -> str:
    r"""What a library's error says first, at most 200 characters of it.

    >>> first_line(OSError("no such model\nand more")), first_line(KeyError())
    ('no such model', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
