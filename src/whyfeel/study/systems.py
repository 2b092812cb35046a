"""What the systems are called: by number while nobody asked whose texts are whose, by name afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from whyfeel.study.design import Design


def labels(design: Design, names: Mapping[int, str] | None) -> dict[int, str]:
    """What a report calls each system.

    Args:
        design: the study.
        names: from its key; None while the study is blind.

    Returns:
        number to label, all distinct: two runs of one name keep their numbers beside it.
    """
    if names is None:
        return {system: f"system {system}" for system in design.systems}
    often = Counter(names[system] for system in design.systems)
    return {
        system: names[system] if often[names[system]] == 1 else f"{names[system]} (system {system})"
        for system in design.systems
    }
