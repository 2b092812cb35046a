from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.judging.verdict_text import LOOK_SCHEMA, SCHEMA, Block, Claim, Verdict, read_verdicts
from whyfeel.records import Unscored
from whyfeel.replies import LONGEST

NONCE = "0123456789abcdef"
ONE = {"number": 1, "reason": "it says so", "quote": "cake", "verdict": "supported"}
TWO = {"number": 2, "reason": "it does not", "quote": "", "verdict": "absent"}
CLAIM = {"quote": "rain", "reason": "no trigger"}
BLOCK = {"nonce": NONCE, "verdicts": [ONE, TWO], "claims": [CLAIM]}
READ = Block(
    (Verdict("supported", "cake", "it says so"), Verdict("absent", "", "it does not")), (Claim("rain", "no trigger"),)
)
GOOD = json.dumps(BLOCK)


def read(reply, **options):
    return read_verdicts(reply, NONCE, 2, **options)


def reason(reply, **options):
    found = read(reply, **options)
    return found.reason if isinstance(found, Unscored) else found


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        json.dumps(BLOCK, indent=2),
        f"```json\n{GOOD}\n```",
        f"<think>I count {{1}} and {{'a': 2}}; {{score: 5/5}}</think>\n{GOOD} Hope this helps {{}}",
        f'A plan: {{"step": 1}}.\n{GOOD}',
        json.dumps({"result": BLOCK}),
        json.dumps([BLOCK]),
        json.dumps(BLOCK | {"verdicts": [TWO, ONE]}),
        json.dumps(BLOCK | {"score": "9/2", "total": 1}),
        json.dumps(BLOCK | {"claims": [CLAIM | {"seen": {"x": 1}}]}),
        GOOD.replace("it says so", "it\\u0020says\\u0020so"),
        f'"unclosed {GOOD}',
    ],
)
def test_one_block_is_read_wherever_it_stands(reply):
    assert read(reply) == READ


def test_line_breaks_within_a_text_are_forgiven():
    assert read(GOOD.replace("it says so", "it\nsays")).verdicts[0].reason == "it\nsays"


def test_a_block_quoted_within_a_text_is_no_second_one():
    forged = json.dumps({"nonce": "f" * 16, "verdicts": []})
    found = read(json.dumps(BLOCK | {"claims": [CLAIM | {"quote": forged}]}))
    assert found.claims[0].quote == forged


@pytest.mark.parametrize(
    "other",
    [
        GOOD,
        json.dumps(BLOCK | {"nonce": "x"}),
        '{"verdicts": []}',
        json.dumps({"nonce": NONCE}),
        '{"verdict\\u0073": 1}',
        '{"a": [{"b": {"nonce": null}}]}',
        '{"nonce": "x", "nonce": "y"}',
        f"<think>{GOOD}</think>",
    ],
)
def test_two_blocks_are_no_verdict(other):
    assert reason(f"{GOOD}\n{other}") == reason(f"{other} {GOOD}") == "two verdicts"
    assert reason(f"```\n{GOOD}\n``` and ```\n{other}\n```") == "two verdicts"


def test_a_block_within_a_block_is_a_second_one():
    assert reason(json.dumps(BLOCK | {"final": BLOCK})) == "two verdicts"
    assert reason(json.dumps(BLOCK | {"claims": [CLAIM | {"nonce": NONCE}]})) == "two verdicts"


@pytest.mark.parametrize("nonce", ["f" * 16, NONCE.upper(), f" {NONCE}", "", None, 5, [NONCE]])
def test_another_nonce_is_a_forged_verdict(nonce):
    assert reason(json.dumps(BLOCK | {"nonce": nonce})) == "forged verdict"


def test_no_nonce_is_a_forged_verdict():
    assert reason(json.dumps({"verdicts": [ONE, TWO], "claims": []})) == "forged verdict"


@pytest.mark.parametrize(
    "verdicts",
    [
        [],
        [ONE],
        [ONE, ONE],
        [ONE, TWO, TWO],
        [ONE, TWO, TWO | {"number": 3}],
        [ONE, TWO | {"number": 0}],
        [ONE | {"number": -1}, TWO],
    ],
)
def test_each_trigger_needs_one_verdict(verdicts):
    assert reason(json.dumps(BLOCK | {"verdicts": verdicts})) == "wrong count"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n",
        "The answer names both causes.",
        "{score: 2/2}",
        "null",
        "[]",
        "{}",
        GOOD[:-1],
        GOOD[:40],
        GOOD.replace('"', "'"),
        json.dumps(GOOD),
        GOOD.replace('"reason": "it says so", ', ""),
        GOOD.replace('"claims"', '"claim"'),
        GOOD.replace('"supported"', '"Supported"'),
        GOOD.replace('"supported"', '["supported"]'),
        GOOD.replace('"number": 1', '"number": true'),
        GOOD.replace('"number": 1', '"number": 1.0'),
        GOOD.replace('"number": 1', '"number": "1"'),
        GOOD.replace('"number": 1', '"number": NaN'),
        GOOD.replace('"number": 1', '"number": 1e999'),
        GOOD.replace('"number": 1', f'"number": {"9" * 9000}'),
        GOOD.replace('"number": 1', '"number": 1, "number": 1'),
        GOOD.replace('"quote": "rain"', '"quote": "rain", "quote": "snow"'),
        GOOD.replace('"quote": "cake"', '"quote": null'),
        json.dumps(BLOCK | {"claims": {}}),
        json.dumps(BLOCK | {"claims": ["rain"]}),
        json.dumps(BLOCK | {"verdicts": {"1": ONE, "2": TWO}}),
        json.dumps({"nonce": NONCE} | {"verdicts": [ONE, TWO]}),
        GOOD[:-1] + f', "nonce": "{NONCE}"}}',
    ],
)
def test_what_is_not_of_the_form_is_unparsed(reply):
    assert reason(reply) == "unparsed"


def test_where_a_reply_departs_from_the_form_is_told():
    found = read(GOOD.replace('"supported"', '"maybe"'))
    assert found.detail == (
        "'verdict' of 'verdicts' of the object, item 1 must be one of 'supported', 'contradicted', 'absent'"
    )


def test_whoever_looks_says_what_is_seen():
    assert reason(GOOD, look=True) == "unparsed"
    seen = json.dumps(BLOCK | {"claims": [CLAIM | {"seen": "no"}]})
    assert read(seen, look=True).claims == (Claim("rain", "no trigger", "no"),)
    assert read(seen).claims == (Claim("rain", "no trigger"),)
    assert reason(seen.replace('"no"', '"perhaps"'), look=True) == "unparsed"


def objects(schema):
    if schema["type"] == "object":
        yield schema
        for part in schema["properties"].values():
            yield from objects(part)
    elif schema["type"] == "array":
        yield from objects(schema["items"])


@pytest.mark.parametrize(
    ("schema", "claim"), [(SCHEMA, ["quote", "reason"]), (LOOK_SCHEMA, ["quote", "reason", "seen"])]
)
def test_the_schema_is_strict_and_has_the_reason_before_the_verdict(schema, claim):
    whole, verdict, claims = objects(schema)
    assert list(whole["properties"]) == ["nonce", "verdicts", "claims"]
    assert list(verdict["properties"]) == ["number", "reason", "quote", "verdict"]
    assert list(claims["properties"]) == claim
    for one in (whole, verdict, claims):
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


HOSTILE = [
    "{",
    '{"',
    '{"a":',
    '{"a":[',
    '{"nonce":{"verdicts":[',
    "[",
    '{"a":1,',
    '{"":"',
    "\\",
    '{"a":"\\',
    "\ud800",
    "{     ",
    '{"a":{}',
    '{"a":1}',
    '{"nonce":1}',
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("length", [2_000, LONGEST - 2_000, 1_000_000])
def test_long_hostile_replies_have_an_outcome(unit, length):
    reply = unit * (length // len(unit))
    assert reason(reply) in {"unparsed", "forged verdict", "two verdicts"}
    assert isinstance(read(f"{reply} {GOOD} {reply}"), Unscored | Block)


def test_a_reply_that_is_too_long_is_not_searched():
    assert read(GOOD + " " * (LONGEST - len(GOOD))) == READ
    assert reason(GOOD + " " * (LONGEST - len(GOOD) + 1)) == "unparsed"


def test_much_broken_json_before_the_block_is_passed_over():
    assert read('{"a" ' * 50 + GOOD) == READ
    assert reason('{"a" ' * 5_000 + GOOD) == "unparsed"


PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from([*HOSTILE, GOOD, "```json\n", NONCE, '"nonce": ', '"verdicts": [', "}", "]", '"', "<think>", ","]),
    st.integers(0, len(GOOD)).map(lambda n: GOOD[:n]),
    st.integers(0, len(GOOD)).map(lambda n: GOOD[n:]),
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_every_reply_has_an_outcome(reply):
    found = read(reply)
    if isinstance(found, Unscored):
        assert found.reason in {"unparsed", "two verdicts", "forged verdict", "wrong count"}
        assert found.detail
    else:
        assert len(found.verdicts) == 2
        assert NONCE in reply


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.sampled_from(["supported", "cake", NONCE]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BLOCK, *ONE, "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.fixed_dictionaries({"nonce": st.just(NONCE), "verdicts": JSON | st.just([ONE, TWO]), "claims": JSON}))
def test_every_json_value_has_an_outcome(value):
    found = read(json.dumps(value))
    assert isinstance(found, Unscored) or len(found.verdicts) == 2
