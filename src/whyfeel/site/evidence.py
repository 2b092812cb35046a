"""A judge's evidence about one sample, told in the same way whichever judge it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["found", "contradicted", "unsupported"]

FLAGGED = "there is a negation in the answer or in the trigger, and not in both"
LEAKED = "the question gives it away"
SHARED = "it counts for nothing: its words stand for another trigger already"
MOST = 2_000  # characters of a text
KINDS: Mapping[str, Kind] = {"supported": "found", "contradicted": "contradicted"}  # of the verdicts that are quoted


def evidence(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """The detail that holds verdicts: a judge's own, or that of a panel's first member that gave any."""
    members = (one.get("detail", {}) for one in detail.get("members", ()))
    return next((one for one in members if "verdicts" in one), detail)


def told_of(detail: Mapping[str, Any], triggers: int) -> dict[str, Any]:
    """What a judge tells of a sample, besides scores and places, the same whichever judge it is; each text up to MOST.

    Args:
        detail: of its judgement.
        triggers: how many the sample has.

    Returns:
        of these what there is: "verdicts", one a trigger: [kind or "absent", words, reason, remarks]; "claims":
        [words, reason, seen]; "members", of a panel: {"model", "unscored", "verdicts", "claims", "orders"}; "orders",
        of a comparison: [first, verdict or why there is none, reason]; "against"; "log", the official judge's words.
    """
    shown = evidence(detail)
    told: dict[str, Any] = {"log": detail.get("log"), "against": detail.get("against")}
    told["members"] = [
        {"model": one["model"], "unscored": (one.get("unscored") or {}).get("reason")}
        | told_of(one.get("detail", {}), triggers)
        for one in detail.get("members", ())
    ]
    if "matched" in shown:
        told["verdicts"] = _clause_verdicts(shown, triggers)
        told["claims"] = [[words, "", ""] for words in shown.get("unsupported", ())]
    elif "verdicts" in shown:
        told["verdicts"] = [_verdict(one) for one in shown["verdicts"]]
        told["claims"] = [[one["quote"], one["reason"], one.get("seen", "")] for one in shown.get("claims", ())]
    told["orders"] = [
        [one["first"], one.get("verdict") or f"unscored: {one.get('unscored', '')}", one.get("reason", "")]
        for one in detail.get("orders", ())
    ]
    return {name: _brief(value) for name, value in told.items() if value}


def _brief(value: Any) -> Any:  # noqa: ANN401 - texts, numbers, and lists and objects of them
    """The same with every text cut to MOST characters: what is quoted may be a whole answer."""
    if isinstance(value, str):
        return value if len(value) <= MOST else f"{value[:MOST]}…"
    if isinstance(value, list):
        return [_brief(one) for one in value]
    return {name: _brief(one) for name, one in value.items()} if isinstance(value, dict) else value


def _clause_verdicts(detail: Mapping[str, Any], triggers: int) -> list[list[Any]]:
    verdicts: list[list[Any]] = [["absent", "", "", []] for _ in range(triggers)]
    for trigger, words, similarity in detail["matched"]:
        near = "the same words" if similarity >= 1 else f"similarity {similarity:.2f}"
        verdicts[trigger] = ["found", words, near, []]
    for trigger in detail.get("flagged", ()):
        verdicts[trigger][3].append(FLAGGED)
    for trigger in detail.get("leaked", ()):
        verdicts[trigger][3].append(LEAKED)
    return verdicts


def _verdict(one: Mapping[str, Any]) -> list[Any]:
    remarks = [said for name, said in (("shared", SHARED), ("leaked", LEAKED)) if one.get(name)]
    absent = one["verdict"] == "absent"
    return [KINDS.get(one["verdict"], "absent"), "" if absent else one["quote"], one["reason"], remarks]
