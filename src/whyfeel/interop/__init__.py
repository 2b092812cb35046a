"""Data for other tools: exports of what was annotated."""

from whyfeel.interop.export import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
