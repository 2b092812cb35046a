"""A released ground-truth string, one numbered trigger a line, becomes triggers.

The release has a few malformed items. They are read for what they mean and flagged, never repaired in silence:
the string itself stays in `Sample.annotation`, because the official judges show it verbatim.
"""

from __future__ import annotations

import re

from whyfeel.records import Trigger

# At most two digits, so that a line which starts with a year keeps it; no digit behind, so that "1.5 litres" is a text.
NUMBERED = re.compile(r"(?P<lead>\s*)(?P<number>[0-9]{1,2})\.(?![0-9])(?P<gap>\s*)(?P<text>.*)")


def parse_triggers(annotation: str) -> tuple[list[Trigger], list[str]]:
    r"""The non-empty triggers of an annotation, one a line, and what is odd about its lines.

    A line without a number is a trigger too. Texts are as released, without the number and outer blanks; a full
    stop at the end stays. Blank lines are passed over.

    Args:
        annotation: one numbered trigger a line.

    Returns:
        The triggers in order, and flags such as "empty trigger 4", "doubled number 2",
        "double space after number 1", "leading space before number 4" and "no number at line 3".

    >>> triggers, flags = parse_triggers("1. Raised fist.\n2. 2.uncertain.\n3. ")
    >>> [trigger.text for trigger in triggers], flags
    (['Raised fist.', 'uncertain.'], ['doubled number 2', 'empty trigger 3'])
    """
    triggers: list[Trigger] = []
    flags: list[str] = []
    for row, line in enumerate(annotation.split("\n"), 1):
        if not line.strip():
            continue
        text, odd = _item(line, row)
        flags += odd
        if text:
            triggers.append(Trigger(text))
    return triggers, flags


def _item(line: str, row: int) -> tuple[str, list[str]]:
    match = NUMBERED.fullmatch(line)
    if match is None:
        return line.strip(), [f"no number at line {row}"]
    number, text = match["number"], match["text"].strip()
    flags = [f"leading space before number {number}"] if match["lead"] else []
    again = NUMBERED.fullmatch(text)
    if again is not None and again["number"] == number:
        flags.append(f"doubled number {number}")
        text = again["text"].strip()
    if not text:
        flags.append(f"empty trigger {number}")
    elif len(match["gap"]) > 1:
        flags.append(f"double space after number {number}")
    return text, flags
