"""The nouns of whyfeel: the only types that cross a package border, all frozen."""

from whyfeel.records.annotation import KINDS, AnnotatedTrigger, Annotation, Kind, Step, numbered
from whyfeel.records.asks import (
    Answer,
    Ask,
    Asking,
    Failure,
    Message,
    Outcome,
    Part,
    Picture,
    Text,
    ask_key,
    user_turn,
    with_first_text,
    with_last_text,
)
from whyfeel.records.ids import canonical, content_id, json_line, rng
from whyfeel.records.results import Judgement, Response, Unscored
from whyfeel.records.sample import Corpus, Media, Sample, Trigger
from whyfeel.records.texts import storable

__all__ = [
    "KINDS",
    "AnnotatedTrigger",
    "Annotation",
    "Answer",
    "Ask",
    "Asking",
    "Corpus",
    "Failure",
    "Judgement",
    "Kind",
    "Media",
    "Message",
    "Outcome",
    "Part",
    "Picture",
    "Response",
    "Sample",
    "Step",
    "Text",
    "Trigger",
    "Unscored",
    "ask_key",
    "canonical",
    "content_id",
    "json_line",
    "numbered",
    "rng",
    "storable",
    "user_turn",
    "with_first_text",
    "with_last_text",
]
