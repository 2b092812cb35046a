"""What replies of all protocols have in common: endings, refusals in words, thoughts within the text, odd values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from whyfeel.errors import CallFailed
from whyfeel.models.dialects.base import excerpt
from whyfeel.records import Outcome

# How models decline in so many words. Matched only at the start of a short reply, so that an answer that mentions
# an inability in passing is not counted as a refusal.
DECLINES = re.compile(
    r"\W*(?:i['’]m sorry|i am sorry|sorry|i apologi[sz]e)?\W*(?:but\W+)?"
    r"i(?: (?:cannot|can['’]?t|can not|won['’]?t|will not)|['’]m (?:unable|not able)| am (?:unable|not able))"
    r" (?:to )?(?:help(?! but\b| noticing| feeling| thinking)|assist|comply|provide|fulfill?|identify|determine|discuss"
    r"|answer|do that|process|analy[sz]e)",
    re.IGNORECASE,
)
SHORT = 400  # characters
MOST_TOKENS = 10**12
MOST_DOLLARS = 1e6

CUT_OFF = {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
FILTERED = {
    "content_filter",
    "safety",
    "image_safety",
    "prohibited_content",
    "blocklist",
    "spii",
    "recitation",
    "refusal",
}
# Finish reasons in lower case, up to a colon. What is not here is an ordinary ending ("stop", "end_turn", "eos").
ENDINGS: dict[str, Outcome] = {**dict.fromkeys(CUT_OFF, "truncated"), **dict.fromkeys(FILTERED, "refused")}


def outcome(text: str, finish: str | None, *, refused: bool = False) -> Outcome:
    """How a reply ended: by the server's word, or else by what it says."""
    ending = ENDINGS.get(finish.partition(":")[0].lower()) if finish else None
    if refused:
        return "refused"
    if ending is not None:
        return ending
    if not text.strip():
        return "empty"
    return "refused" if len(text) <= SHORT and DECLINES.match(text) else "ok"


def without_thoughts(text: str) -> tuple[str, str]:
    """(reply, reasoning) of a text that may open with `<think>…</think>`, as servers without a parser for it send it.

    Chat templates that open the block themselves leave only its end in the text. A block without an end was cut off:
    all of it is reasoning.

    >>> without_thoughts("<think>Rain?</think>1. Rain")
    ('1. Rain', 'Rain?')
    >>> without_thoughts("<think>Rain? Or")
    ('', 'Rain? Or')
    """
    opened = text.lstrip().startswith("<think>")
    before, closed, after = text.partition("</think>")
    if not closed:
        return ("", text.lstrip()[len("<think>") :]) if opened else (text, "")
    if opened:
        return after.lstrip(), before.lstrip()[len("<think>") :].strip()
    return (text, "") if "<think>" in before else (after.lstrip(), before.strip())


def parse(body: bytes) -> object:
    """JSON, also where a few bytes of it are no UTF-8: they do not unsay an answer, and become lone surrogates.

    Raises:
        CallFailed: "bad reply": it is no JSON.
    """
    try:
        try:
            return json.loads(body)
        except UnicodeDecodeError:
            return json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise CallFailed("bad reply", f"expected JSON, got {excerpt(body)}") from None


def names(body: bytes) -> list[str]:
    """The model names in the reply to GET /models: a list, or an object that holds it as `data`.

    Raises:
        CallFailed: "bad reply": it is no list of models.
    """
    try:
        data = json.loads(body)
        return [str(model["id"]) for model in (data if isinstance(data, list) else data["data"])]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise CallFailed("bad reply", f"expected a list of models, got {excerpt(body)}") from None


def name(value: object) -> str | None:
    """A name a server gives, in characters that every file can hold."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def count(value: object) -> int | None:
    """A number of tokens; one that no reply could hold is as good as none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def dollars(value: object) -> float | None:
    """A cost in US dollars; one that no reply could have is as good as none (so is NaN)."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= MOST_DOLLARS else None  # type: ignore[operator,arg-type]


def texts(values: Iterable[object]) -> str:
    """Those of the values that are texts, joined."""
    return "".join(value for value in values if isinstance(value, str))
