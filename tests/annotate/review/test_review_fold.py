"""What edits make of an annotation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_parts import CAKE, FRIENDS, GHOST, RAIN, annotation, edit

from whyfeel.annotate.review.edits import LONGEST, BadEdit, Edit, checked
from whyfeel.annotate.review.fold import decision, differ, in_effect, reviewed
from whyfeel.annotate.review.store import _chosen
from whyfeel.records import AnnotatedTrigger
from whyfeel.strategies.self_ask.readers import words_of

PICTURE = annotation()


def left(*edits: Edit) -> list[str]:
    """The triggers that count, in their order."""
    return [one.id for one in reviewed(PICTURE, edits) if not one.dropped]


def one(trigger: str, *edits: Edit) -> AnnotatedTrigger:
    return next(found for found in reviewed(PICTURE, edits) if found.id == trigger)


def undo(made: Edit, key: object = None) -> Edit:
    return edit("undo", edit=made.id, key=key)


def test_without_edits_nothing_changes():
    assert reviewed(PICTURE, ()) == PICTURE.triggers


def test_the_three_human_steps():
    knows = edit("add", text="It is the custom to sing then", kind="social", explicit=False)
    steps = edit("remove", "t1", reason="hallucination"), knows, edit("remove", "t3", reason="irrelevant")
    assert reviewed(PICTURE, steps) == (
        replace(CAKE, dropped="removed: hallucination"),
        FRIENDS,
        replace(RAIN, dropped="removed: irrelevant"),
        GHOST,
        AnnotatedTrigger(knows.trigger, "It is the custom to sing then", "social", explicit=False),
    )
    assert PICTURE.triggers == (CAKE, FRIENDS, RAIN, GHOST)  # the original stays


def test_the_other_actions():
    assert one("t4", edit("restore", "t4")) == replace(GHOST, dropped="")
    assert one("t1", edit("edit", "t1", text=" 1. A cake\nwith\x07 candles ")).text == "A cake with candles"
    assert one("t3", edit("kind", "t3", kind="object")).kind == "object"
    assert one("t3", edit("explicit", "t3", explicit=False)).explicit is False
    assert left(edit("move", "t3", before="t1")) == ["t3", "t1", "t2"]
    assert left(edit("move", "t1", before="")) == ["t2", "t3", "t1"]
    assert left(edit("move", "t1", before="t3")) == ["t2", "t1", "t3"]


def test_a_merge_unites_the_sources_and_a_restore_parts_the_words_again():
    merge = edit("merge", "t2", into="t1")
    assert reviewed(PICTURE, [merge]) == (
        replace(CAKE, confidence=0.9, asks=("a1", "a2"), merged=("Friends who laugh",)),
        replace(FRIENDS, dropped="merged into t1"),
        RAIN,
        GHOST,
    )
    assert one("t1", merge, edit("restore", "t2")).merged == ()
    assert one("t1", merge, undo(merge)) == CAKE


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([edit("remove", "t9", reason="other")], "there is no trigger 't9' here"),
        (
            [edit("remove", "t1", reason="ugly")],
            "'remove' needs 'reason': hallucination, irrelevant, other; got 'ugly'",
        ),
        ([edit("remove", "t4", reason="other")], "does not count (not grounded); restore it first"),
        ([edit("restore", "t1")], "there is no dropped trigger 't1' here"),
        ([edit("restore", "t9")], "there is no dropped trigger 't9' here"),
        ([edit("edit", "t1", text=" \n\t ")], "a trigger needs words"),
        ([edit("edit", "t1", text="3. \u200b...")], "a trigger needs words"),
        ([edit("edit", "t1", text="A birthday  cake")], "trigger 't1' reads so already"),
        ([edit("edit", "t1", text="x" * 100_000)], "of at most 2,000 characters is taken, this one has 100,000"),
        ([edit("edit", "t1")], "expected a text, got None"),
        ([edit("edit", "t4", text="A sheet")], "restore it first"),
        ([edit("kind", "t1", kind="weather")], "'kind' needs 'kind': environment, social, physical, object;"),
        ([edit("kind", "t1", kind=None)], "'kind' needs 'kind'"),
        ([edit("explicit", "t1", explicit="yes")], "explicit (true) or implicit (false), got 'yes'"),
        ([edit("merge", "t1", into="t1")], "trigger 't1' cannot be merged into itself"),
        ([edit("merge", "t1", into="t4")], "trigger 't4', to be merged into, does not count"),
        ([edit("merge", "t1", into="t9")], "there is no trigger 't9' here"),
        ([edit("merge", "t1", into=["t2"])], "'merge' needs 'into'; got ['t2']"),
        ([edit("move", "t1", before="t1")], "trigger 't1' cannot stand before 't1'"),
        ([edit("move", "t1", before="t9")], "trigger 't1' cannot stand before 't9'"),
        ([edit("undo", edit="0" * 32)], "that could be taken back"),
        ([edit("remove", "t1", item="other", reason="other")], "of item 'other', not of 'i'"),
        ([edit("remove", "x" * 3000, reason="other")], "3,000; shorten it"),
        ([edit("remove", "t1", reason="other", why="x" * 2001)], "2,001; shorten it"),
        ([replace(edit("restore", "t4"), action="burn")], "there is no action 'burn'"),
        ([replace(edit("restore", "t4"), id="A" * 32)], "32 hex digits"),
        ([replace(edit("add", text="Wine"), trigger="t1")], "not 't1'"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(edits: list[Edit], why: str):
    with pytest.raises(BadEdit) as told:
        reviewed(PICTURE, edits)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_an_added_trigger_never_takes_the_place_of_another():
    wine = edit("add", text="Wine")
    with pytest.raises(BadEdit, match="already; add yours once more"):
        reviewed(annotation("i", replace(CAKE, id=wine.trigger)), [wine])


def test_hostile_text_is_text():
    for text in ("<script>alert(1)</script>", "\u202eright to left", "🎂 cake", "喜び", "a" * LONGEST):
        assert one(edit("add", text=text).trigger, edit("add", text=text)).text == text
    broken = edit("add", text="a \ud800 cake\u2028\x00twice", why="who\ud800\nknows")
    assert one(broken.trigger, broken).text == "a \ufffd cake twice"
    assert checked(broken).why == "who\ufffd knows"


def test_an_edit_that_comes_twice_counts_once():
    gone = edit("remove", "t1", reason="other")
    assert left(gone, gone) == ["t2", "t3"]


def test_an_undo_takes_back_any_edit_once_and_can_itself_be_undone():
    gone, moved = edit("remove", "t1", reason="other"), edit("move", "t3", before="t2")
    back = undo(gone)
    assert left(gone, moved, back) == ["t1", "t3", "t2"]
    assert in_effect([gone, moved, back]) == (moved,)
    again = undo(back)
    assert left(gone, moved, back, again) == ["t3", "t2"]
    assert left(gone, moved, back, again, undo(again)) == ["t1", "t3", "t2"]
    twice = [gone, back, again, undo(gone, key=2), undo(again)]  # "back" takes effect again beside the second undo
    assert left(*twice) == left(*twice, undo(twice[3], key=3)) == ["t1", "t2", "t3"]
    itself = replace(back, value={"edit": back.id})
    with pytest.raises(BadEdit, match="could be taken back"):
        reviewed(PICTURE, [gone, itself])
    with pytest.raises(BadEdit, match="could be taken back"):
        reviewed(PICTURE, [gone, back, undo(gone, key=2)])


def test_what_later_edits_rest_on_is_not_taken_back():
    wine = edit("add", text="Wine")
    with pytest.raises(BadEdit, match="a later edit rests on the one to be taken back"):
        reviewed(PICTURE, [wine, edit("kind", wine.trigger, kind="object"), undo(wine)])


def test_two_differ_where_other_triggers_or_words_are_left():
    gone, wine = edit("remove", "t1", reason="other"), edit("add", text="Wine")
    assert not differ([], [])
    assert not differ([gone, undo(gone)], [])
    assert not differ([gone, edit("restore", "t1")], [])
    assert not differ([gone], [edit("merge", "t1", into="t2")])
    assert not differ([wine], [edit("add", text="wine.", reviewer="r2", kind="object")])
    assert not differ([edit("kind", "t1", kind="social")], [edit("move", "t1", before="")])
    assert not differ([wine, edit("remove", wine.trigger, reason="other")], [])
    assert not differ([edit("edit", "t1", text="Cake"), gone], [gone])
    assert differ([gone], [])
    assert differ([wine], [])
    assert differ([wine], [edit("add", text="Beer")])
    assert differ([edit("edit", "t1", text="Tart")], [edit("edit", "t1", text="Pie")])
    assert differ([edit("restore", "t4"), edit("edit", "t4", text="A sheet")], [edit("restore", "t4")])


def test_a_decision_comes_to_the_chosen_triggers():
    sheet, wine = replace(GHOST, text="A sheet", dropped="", kind="object", explicit=False), edit("add", text="Wine")
    united = replace(CAKE, confidence=0.9, asks=("a1", "a2"), merged=("Friends who laugh",))
    chosen = [sheet, united, *reviewed(PICTURE, [wine])[-1:]]
    made = [_chosen(change, "i", "adjudicator:r4", [n]) for n, change in enumerate(decision(PICTURE, chosen))]
    found = [trigger for trigger in reviewed(PICTURE, made) if not trigger.dropped]
    assert found == [sheet, united, replace(chosen[-1], id=found[-1].id)]
    assert decision(PICTURE, PICTURE.kept) == []
    with pytest.raises(BadEdit, match="in one wording only"):
        decision(PICTURE, [CAKE, united])


IDS = st.sampled_from(["t1", "t2", "t3", "t4", "r0", "r1", "r2", "", "t9"])
TEXTS = st.one_of(st.sampled_from(["Wine", "<b>", "", "1. ", "\ud800"]), st.text(max_size=5))
VALUES = st.fixed_dictionaries(
    {
        "reason": st.sampled_from(["hallucination", "other", "x"]),
        "text": TEXTS,
        "kind": st.sampled_from(["object", None, "x"]),
        "explicit": st.sampled_from([True, None, 1]),
        "into": IDS,
        "before": IDS,
        "edit": st.integers(0, 9).map(lambda n: f"{n:08x}" + "0" * 24),
    }
)
ACTIONS = ["remove", "restore", "add", "edit", "kind", "explicit", "merge", "move", "undo", "undo"]
MOVES = st.tuples(st.sampled_from(ACTIONS), IDS, VALUES)


def drawn(n: int, action: Any, trigger: str, value: dict[str, Any]) -> Edit:
    named = {f"r{k}": f"r{k:08x}" for k in range(3)}  # those that the first three edits add, where they add any
    value = {part: named.get(said, said) if part in {"into", "before"} else said for part, said in value.items()}
    own = f"{n:08x}" + "0" * 24
    return Edit(own, "i", "r1", action, f"r{own[:8]}" if action == "add" else named.get(trigger, trigger), value)


def counting(triggers: tuple[AnnotatedTrigger, ...]) -> set[str]:
    return {words_of(trigger.text) for trigger in triggers if not trigger.dropped}


@settings(max_examples=150, deadline=None)
@given(st.lists(MOVES, max_size=10))
def test_any_edits_fold_or_are_refused_and_the_last_can_be_taken_back(moves: list[Any]):
    taken: list[Edit] = []
    state = reviewed(PICTURE, ())
    ever = {trigger.id for trigger in state}
    before = [(taken, state)]
    for n, move in enumerate(moves):
        made = drawn(n, *move)
        try:
            after = reviewed(PICTURE, [*taken, made])
        except BadEdit:
            continue
        assert checked(checked(made)) == checked(made)
        back = Edit(f"{n + 64:032x}", "i", "r1", "undo", "", {"edit": made.id})
        assert reviewed(PICTURE, [*taken, made, back]) == state
        assert not differ([*taken, made, back], taken)
        ever |= {made.trigger} if made.action == "add" else set()
        ids = [trigger.id for trigger in after]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= ever
        assert {trigger.id for trigger in PICTURE.triggers} <= set(ids)
        assert all(trigger.text == " ".join(trigger.text.split()) != "" for trigger in after)
        taken, state = [*taken, made], after
        before.append((taken, state))
    for earlier, then in before:
        assert differ(earlier, taken) or counting(then) == counting(state)
    in_place = {edit.trigger for edit in in_effect(taken) if edit.action == "add"}
    assert {trigger.id for trigger in state} == {trigger.id for trigger in PICTURE.triggers} | in_place
