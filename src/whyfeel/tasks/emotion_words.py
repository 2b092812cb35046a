"""Emotion words as people type them, made alike."""

from __future__ import annotations

from collections.abc import Mapping

# Only what is no word itself and can mean one thing: "exited", "scarred" and "curios" are words.
MISSPELT: Mapping[str, str] = {
    "agry": "angry",
    "amgry": "angry",
    "angery": "angry",
    "anrgy": "angry",
    "amazd": "amazed",
    "anoyed": "annoyed",
    "annoied": "annoyed",
    "anxoius": "anxious",
    "anxous": "anxious",
    "cheerfull": "cheerful",
    "concered": "concerned",
    "confussed": "confused",
    "curiuos": "curious",
    "currious": "curious",
    "depresed": "depressed",
    "disapointed": "disappointed",
    "dissapointed": "disappointed",
    "dissappointed": "disappointed",
    "embarased": "embarrassed",
    "embarassed": "embarrassed",
    "embarrased": "embarrassed",
    "excied": "excited",
    "exciteed": "excited",
    "excitied": "excited",
    "exicted": "excited",
    "facinated": "fascinated",
    "fustrated": "frustrated",
    "frustated": "frustrated",
    "greatful": "grateful",
    "hapy": "happy",
    "happpy": "happy",
    "hopefull": "hopeful",
    "inspried": "inspired",
    "intersted": "interested",
    "intrested": "interested",
    "jelous": "jealous",
    "joyfull": "joyful",
    "nervious": "nervous",
    "nostaglic": "nostalgic",
    "peacefull": "peaceful",
    "suprise": "surprise",
    "suprised": "surprised",
    "surpised": "surprised",
    "surprized": "surprised",
    "thankfull": "thankful",
    "worred": "worried",
    "worryed": "worried",
}


def normalised(word: str) -> str:
    """A word for an emotion without regard to case, blanks and obvious misspellings; never another emotion's.

    >>> normalised("  Agry "), normalised("Cautiously  Optimistic"), normalised("exited")
    ('angry', 'cautiously optimistic', 'exited')
    """
    plain = " ".join(word.casefold().split())
    return MISSPELT.get(plain, plain)
