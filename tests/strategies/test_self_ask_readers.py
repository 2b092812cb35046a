"""What replies of the models of a chain are read as: what was asked for, or Unusable with a reason for the model."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import Answer
from whyfeel.strategies.self_ask.readers import (
    DUPLICATE_SCHEMA,
    PARSE_SCHEMA,
    RELEVANT_SCHEMA,
    SUMMARY_SCHEMA,
    Draft,
    Parsed,
    Unusable,
    clean,
    declined,
    read_bearings,
    read_grounds,
    read_parse,
    read_question,
    read_questions,
    read_same,
    read_summary,
    salvage_summary,
    unanswered,
)

RIGHT = "\N{RIGHT SINGLE QUOTATION MARK}"


def read(reader, text, *more, outcome="ok"):
    """What a reader makes of a reply, or why it cannot use it."""
    try:
        return reader(Answer("k", text, outcome), *more)
    except Unusable as fault:
        return str(fault)


# --- lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1. rain", "rain"),
        ("  12)rain", "rain"),
        ("100. rain", "rain"),
        ("1984. rain", "1984. rain"),
        ("2 children", "2 children"),
        ("1.5 litres", "1.5 litres"),
        ("- * \u2022 \u2013 rain", "rain"),
        ("-3 degrees", "-3 degrees"),
        ("well-known rain", "well-known rain"),
        ("\ta\x07 b\r\nc\u2029d ", "a b c d"),
        ("__init__ *not* **bold**", "__init__ *not* bold"),
        ("\udc80\ud800x", "\ufffd\ufffdx"),
        ("", ""),
        ("9.", ""),
    ],
)
def test_a_line_loses_what_a_list_puts_before_it(text, line):
    assert clean(text) == line


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("1.)-*\u2022 \n\x1b\ud800")))
def test_any_text_is_one_printable_line_and_stays_so(text):
    line = clean(text)
    assert line == clean(line)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in line)


# --- declined


@pytest.mark.parametrize(
    ("text", "outcome", "is_declined", "is_unanswered"),
    [
        ("Two people.", "ok", False, False),
        ("Two peo", "truncated", False, False),
        ("Two people.", "refused", True, True),
        ("", "empty", True, True),
        (" \n", "ok", True, True),
        ("I'm sorry, but I can't help with that.", "ok", True, True),
        ("I cannot determine what people feel.", "ok", True, True),
        ("I cannot see the faces: they are turned away.", "ok", True, False),
        (f"I{RIGHT}m unable to clearly make out their eyes.", "ok", True, False),
        (f"I can{RIGHT}t see any smile.", "truncated", True, False),
        ("I cannot see the faces.", "refused", True, True),
        ("I'm unable to see the image you mention.", "ok", True, True),
        ("I can't see photos.", "ok", True, True),
        ("I cannot see any pictures here", "ok", True, True),
        ("I am not able to see images.", "ok", True, True),
    ],
)
def test_what_cannot_be_seen_is_an_answer_and_what_is_declined_is_none(text, outcome, is_declined, is_unanswered):
    answer = Answer("k", text, outcome)
    assert (declined(answer), unanswered(answer)) == (is_declined, is_unanswered)


# --- the query


PARSE = {"person": "the  man", "emotion": "\nsad", "task": "1. Find\x00 out. "}


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "So: {} I hope.", '{{"result": {}}}'])
def test_a_parsed_query_is_found_wherever_it_stands(wrap):
    assert read(read_parse, wrap.format(json.dumps(PARSE))) == Parsed("the man", "sad", "Find out.")


def test_a_parsed_query_must_be_whole():
    assert read(read_parse, json.dumps(PARSE | {"task": ""})) == "'task' is blank"
    assert read(read_parse, json.dumps({"task": "x"})) == "'person' of the object must be a text"
    assert read(read_parse, '{"task": "x', outcome="truncated") == "it was cut off before its end; be brief"
    assert read(read_parse, json.dumps(PARSE), outcome="truncated") == Parsed("the man", "sad", "Find out.")


# --- questions


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        ("Why is he sad?", "Why is he sad?"),
        ('"Why is he\n  sad?"', "Why is he sad?"),
        ("**Why is he 'sad'?**", "Why is he 'sad'?"),
        ("1. Why is he sad?", "Why is he sad?"),
        ("Here is the question:\n \nWhy is he sad?\n\nIt keeps to the task.", "Why is he sad?"),
        ("Is that it?\n\nWhy is he sad?", "Is that it? Why is he sad?"),
        ("\u201cWhy is he\x1b sad?\u201d", "Why is he sad?"),
    ],
)
def test_a_question_is_taken_out_of_what_stands_around_it(reply, question):
    assert read(read_question, reply) == question


@pytest.mark.parametrize(
    ("reply", "outcome", "fault"),
    [
        ("I cannot see who is meant?", "ok", "it declines, or says nothing"),
        ('"I cannot see who is meant?"', "ok", "question is a refusal"),
        ("Why?", "refused", "it declines, or says nothing"),
        ("Tell me.", "ok", "it holds no question mark"),
        ("W" * 400 + "?", "ok", "it is too long"),
        ("Why?", "truncated", "it is too long"),
    ],
)
def test_what_is_no_question_is_told(reply, outcome, fault):
    assert read(read_question, reply, outcome=outcome) == fault


def test_a_question_may_have_400_characters():
    assert read(read_question, "W" * 399 + "?") == "W" * 399 + "?"


@pytest.mark.parametrize(
    ("reply", "most", "found"),
    [
        ("1. A?\n2. B?\n3. C?", 2, ("A?", "B?")),
        ("Sure:\n- **A?**\n- A?\n\n* B?\nDone.", 3, ("A?", "B?")),
        ("A?", 3, ("A?",)),
        ("1. A?\n2. " + "W" * 400 + "?\n3. I'm sorry, why?", 3, ("A?",)),
    ],
)
def test_questions_stand_one_a_line_and_each_counts_once(reply, most, found):
    assert read(read_questions, reply, most) == found


def test_the_question_that_was_cut_off_is_left_out():
    assert read(read_questions, "1. A?\n2. Who is th", 3, outcome="truncated") == ("A?",)


@pytest.mark.parametrize("reply", ["", "No.", "I'm sorry. Why?", "1. A.\n2. B."])
def test_a_reply_without_questions_is_told(reply):
    assert read(read_questions, reply, 3) == "it holds no question"


# --- summaries


ONE = {"trigger": "Rain", "kind": "environment", "explicit": True, "confidence": 80, "from": ["G1", "s2"]}


def test_a_summary_is_read_trigger_by_trigger():
    said = json.dumps({"triggers": [ONE, ONE | {"trigger": "Fist", "explicit": False, "confidence": 0, "from": []}]})
    assert read(read_summary, said) == [
        Draft("Rain", "environment", True, 0.8, ("G1", "S2")),
        Draft("Fist", "environment", False, 0.0, ()),
    ]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": "weather"}, "must be one of 'environment', 'social', 'physical', 'object'"),
        ({"explicit": "yes"}, "must be true or false"),
        ({"confidence": "80"}, "must be a number"),
        ({"confidence": True}, "must be a number"),
        ({"from": "G1"}, "must be a list"),
        ({"from": [1]}, "must be a text"),
        ({"trigger": None}, "must be a text"),
    ],
)
def test_where_a_summary_departs_from_its_form_is_told_and_the_rest_salvaged(changed, fault):
    said = json.dumps({"triggers": [ONE, ONE | {"trigger": "Fist"} | changed]})
    assert "item 2" in read(read_summary, said)
    assert fault in read(read_summary, said)
    assert [one.text for one in salvage_summary(said)] == (["Rain"] if "trigger" in changed else ["Rain", "Fist"])


@pytest.mark.parametrize(
    ("said", "drafts"),
    [
        (
            '{"triggers": ["Rain", " ", {"trigger": "Fist", "kind": 3, "from": "G1"}, 7]}',
            [Draft("Rain"), Draft("Fist")],
        ),
        ('[{"trigger": "Rain", "explicit": true}, {"trigger": "Fist"}]', [Draft("Rain", None, True), Draft("Fist")]),
        ('{"triggers": [{"trigger": "Rain"}, {"trigger": "Fi', [Draft("Rain")]),
        ('{"triggers": [{"trigger": "Rain"}]} or {"triggers": [{"trigger": "Snow"}]}', [Draft("Snow")]),
        ('{"triggers": [{"trigger": "Rain"}]} Now {"triggers": []}', [Draft("Rain")]),
        ('{"triggers": ["Rain"], "triggers": ["Snow"]}', [Draft("Snow")]),
        ('{"triggers": [{"trigger": "...", "kind": "..."}, ...]}', []),
        ('{"triggers": "- Rain"}\n- Snow', [Draft("Snow")]),
        ("1. Rain\n\n  2) **Fist**: raised\n3. Rain\nand more", [Draft("Rain"), Draft("Fist: raised")]),
        ("1. Rain\n   - kind: environment\n   - seen", [Draft("Rain")]),
        ("\u2022 Rain\n* Fist\n-", [Draft("Rain"), Draft("Fist")]),
        ("It rains. -5 degrees.\n-5 degrees", []),
        ("", []),
    ],
)
def test_what_is_not_in_the_form_is_salvaged(said, drafts):
    assert salvage_summary(said) == drafts


PIECES = st.sampled_from(
    ['{"triggers": [', '{"trigger": "a"', "}", "]", ",", "1. ", "- ", "\n", '"', "Rain", "\ud800", "\x00"]
)


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_of_any_reply_only_clean_lines_are_salvaged(reply):
    for draft in salvage_summary(reply):
        assert draft.text == clean(draft.text)
        assert any(map(str.isalnum, draft.text))


# --- gates


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ([], []),
        ([[1, 2]], [(1, 2)]),
        ([[2, 1, 1], [3, 2, 4], [3, 5]], [(2, 1), (3, 4)]),
        ([[1, 2], [2, 3], [3, 1]], [(1, 2)]),
        ([[1], []], []),
    ],
)
def test_groups_of_equals_share_no_number(said, groups):
    assert read(read_same, json.dumps({"same": said}), 5) == groups


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 6), max_size=5), max_size=5))
def test_groups_are_disjoint_and_of_two_at_least(said):
    groups = read(read_same, json.dumps({"same": said}), 6)
    flat = [number for group in groups for number in group]
    assert len(flat) == len(set(flat))
    assert all(len(group) > 1 and any(set(group) <= set(one) for one in said) for group in groups)


def test_verdicts_come_in_any_order_and_leave_in_that_of_the_statements():
    said = {"verdicts": [{"number": 2, "bears": "no"}, {"number": 1, "bears": "unclear"}]}
    assert read(read_bearings, json.dumps(said), 2) == ["unclear", "no"]
    assert read(read_bearings, json.dumps(said), 3) == "it has not one verdict for each of the numbers 1 to 3"
    assert read(read_bearings, '{"verdicts": [{', 2, outcome="truncated") == "it was cut off before its end; be brief"


@pytest.mark.parametrize(
    ("reply", "word"),
    [("seen", "seen"), (" **Absent**.", "absent"), ("1. Suggested, for", "suggested"), ("SEEN/absent", "seen")],
)
def test_the_first_word_says_whether_it_is_in_the_picture(reply, word):
    assert read(read_grounds, reply) == word


@pytest.mark.parametrize("reply", ["", "123", "It is seen.", "unseen", "seen_", "\u0405een", "nothing absent"])
def test_another_first_word_is_no_verdict(reply):
    expected = "seen" if reply == "seen_" else "it does not begin with one of the words asked for"
    assert read(read_grounds, reply) == expected


# --- schemas


def objects(schema):
    if schema["type"] == "object":
        yield schema
        for part in schema["properties"].values():
            yield from objects(part)
    elif schema["type"] == "array":
        yield from objects(schema["items"])


@pytest.mark.parametrize("schema", [PARSE_SCHEMA, SUMMARY_SCHEMA, DUPLICATE_SCHEMA, RELEVANT_SCHEMA])
def test_schemas_are_in_the_strict_form_that_servers_compile(schema):
    for one in objects(schema):
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema
