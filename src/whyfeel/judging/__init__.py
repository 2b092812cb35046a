"""Judges: how an answer is held against the annotation. None of them does any I/O."""

from whyfeel.judging.base import Judge, Tally
from whyfeel.judging.canaries import CANARIES, CANARY_SAMPLES
from whyfeel.judging.families import family, same_family
from whyfeel.judging.foiled import conversations
from whyfeel.judging.foils import FoilKind, Foils
from whyfeel.judging.logs import Fault, Log, LogScore, parse_log, score_log
from whyfeel.judging.objection import ObjectionJudge
from whyfeel.judging.official import image_of, tolerant_score
from whyfeel.judging.registry import JUDGES, MODEL_FOILS, JudgeInfo, build_judge, build_tally, takes_foils, with_foils
from whyfeel.judging.released import ReleasedScore, Scorer

__all__ = [
    "CANARIES",
    "CANARY_SAMPLES",
    "JUDGES",
    "MODEL_FOILS",
    "Fault",
    "FoilKind",
    "Foils",
    "Judge",
    "JudgeInfo",
    "Log",
    "LogScore",
    "ObjectionJudge",
    "ReleasedScore",
    "Scorer",
    "Tally",
    "build_judge",
    "build_tally",
    "conversations",
    "family",
    "image_of",
    "parse_log",
    "same_family",
    "score_log",
    "takes_foils",
    "tolerant_score",
    "with_foils",
]
