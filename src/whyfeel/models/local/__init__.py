"""Models that run in this process: any of transformers' models for pictures and text, or for text alone."""

from whyfeel.models.local.checkpoint import find_local, missing_package
from whyfeel.models.local.local import IN_PROCESS, Local, open_local

__all__ = ["IN_PROCESS", "Local", "find_local", "missing_package", "open_local"]
