"""Judges: how an answer is held against the annotation. None of them does any I/O."""

from whyfeel.judging.base import Judge, Tally
from whyfeel.judging.canaries import CANARIES, CANARY_SAMPLES, canaries_of
from whyfeel.judging.families import family, same_family
from whyfeel.judging.foiled import conversations
from whyfeel.judging.foils import FoilKind, Foils
from whyfeel.judging.logs import Fault, Log, LogScore, parse_log, score_log
from whyfeel.judging.objection import ObjectionJudge
from whyfeel.judging.official import image_of, tolerant_score
from whyfeel.judging.pairwise import HUMAN, Opponent
from whyfeel.judging.references import human_answer
from whyfeel.judging.registry import (
    JUDGES,
    MODEL_FOILS,
    NOBODY,
    PAIRWISE,
    JudgeInfo,
    build_judge,
    build_tally,
    showings,
    takes_foils,
    with_foils,
)
from whyfeel.judging.released import ReleasedScore, Scorer

__all__ = [
    "CANARIES",
    "CANARY_SAMPLES",
    "HUMAN",
    "JUDGES",
    "MODEL_FOILS",
    "NOBODY",
    "PAIRWISE",
    "Fault",
    "FoilKind",
    "Foils",
    "Judge",
    "JudgeInfo",
    "Log",
    "LogScore",
    "ObjectionJudge",
    "Opponent",
    "ReleasedScore",
    "Scorer",
    "Tally",
    "build_judge",
    "build_tally",
    "canaries_of",
    "conversations",
    "family",
    "human_answer",
    "image_of",
    "parse_log",
    "same_family",
    "score_log",
    "showings",
    "takes_foils",
    "tolerant_score",
    "with_foils",
]
