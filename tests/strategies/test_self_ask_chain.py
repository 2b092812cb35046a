"""The four phases of a chain: what is asked of whom, and what is made of replies of every kind."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scripted_chain import (
    GOOD,
    PROMPTS,
    QUERY,
    REBUILT,
    SAMPLE,
    SECRETS,
    annotated,
    drive,
    responded,
    scene,
    strategy,
    summary,
    text_of,
    trigger,
)

from whyfeel.errors import AskFailed, UserError
from whyfeel.prompts import load_prompts
from whyfeel.records import AnnotatedTrigger, Answer, Failure, Media, Picture, Response, Sample, Text
from whyfeel.strategies import STRATEGIES, build_strategy
from whyfeel.strategies.self_ask import GATES, HELPED, PHASES, SelfAsk, default_settings, stand_in

TASK = "Find what makes the woman sad."
REFUSAL = "I'm sorry, but I can't help with identifying people."
GENERAL = ("people", "activities", "expressions", "posture")
NO_GATES = {"gates": ()}


def general_questions() -> list[str]:
    return [PROMPTS.fill("self-ask", topic) for topic in GENERAL]


# --- the good path


def test_the_phases_follow_each_other_and_what_can_goes_out_side_by_side():
    told = annotated()
    assert [[ask.role for ask in step] for step in told.steps] == [
        ["parse"], ["rebuild"], ["general"] * 4, ["scenario"], ["scenario"] * 3, ["summary"],
        ["duplicate"], ["grounded", "grounded", "relevant"],
    ]  # fmt: skip
    assert [step.phase for step in told.result.steps] == [ask.role for ask in told.asks]


def test_the_annotation_says_what_was_found_and_by_which_asks():
    told = annotated()
    one = told.result
    assert (one.sample_id, one.image, one.emotion, one.person) == ("s1", "a.png", "SORROW", "PERSON")
    assert (one.query, one.question, one.flags, one.unscored) == (QUERY, REBUILT, (), None)
    key = {step.label: step.ask for step in one.steps if step.label}
    (said,) = [step.ask for step in one.steps if step.phase == "summary"]
    gates = {"grounded": "seen", "relevant": "yes"}
    assert one.triggers == (
        AnnotatedTrigger("t1", "An empty chair", "object", True, 0.8, (key["G1"], key["S2"], said), gates),
        AnnotatedTrigger("t2", "Rain outside", "environment", False, 0.4, (key["G4"], said), gates),
    )
    assert [(step.phase, step.label) for step in one.steps if step.label] == [
        *[("general", f"G{n}") for n in (1, 2, 3, 4)],
        *[("scenario", f"S{n}") for n in (1, 2, 3)],
    ]
    asked = ["What is on the chair?", "Who has left?", "What hour is it?"]
    assert [step.question for step in one.steps if step.label] == [*general_questions(), *asked]


def test_what_a_sample_does_not_say_the_query_may():
    bare = Sample("s2", QUERY, "", (), (Media("a.png"),), "a.png")
    one = annotated(bare).result
    assert (one.emotion, one.person) == ("sad", "she")


def test_the_strategy_answers_with_the_triggers_as_a_numbered_list():
    told = drive(strategy().respond(SAMPLE))
    assert told.result == Response("s1", "1. An empty chair\n2. Rain outside", "ok", tuple(told.answers))


# --- what is asked of whom


def test_each_ask_shows_the_picture_or_keeps_to_its_form():
    strategy_ = strategy()
    for ask in annotated().asks:
        shown = strategy_.roles[ask.role]
        assert ask.pictures == ((Media("a.png"),) if shown else ())
        assert (ask.schema is None) == shown
        assert (ask.gen["temperature"], ask.repeat) == (0, 0)
        assert 0 < ask.gen["max_tokens"] <= 2048
    assert strategy_.roles == PHASES
    assert {"parse", "summary", "duplicate", "relevant"} == HELPED
    assert (strategy_.name, strategy_.prompts) == ("self-ask", ("self-ask",))


def test_whatever_shows_the_picture_begins_with_it_and_with_the_same_words():
    two = Sample("s2", QUERY, "", (), (Media("a.png"), Media("b.png")), "a.png")
    shown = [ask for ask in annotated(two).asks if ask.pictures]
    opening = PROMPTS.fill("self-ask", "opening") + "\n\n"
    for ask in shown:
        (turn,) = ask.messages
        first, second, said = turn.parts
        assert (first, second) == (Picture(Media("a.png")), Picture(Media("b.png")))
        assert isinstance(said, Text)
        assert said.text.startswith(opening)
    assert {ask.role for ask in shown} == {"rebuild", "general", "scenario", "grounded"}


def test_nobody_is_told_the_emotion_the_person_or_the_annotated_triggers():
    told = annotated(rebuild=["", REBUILT], parse=["", GOOD["parse"]], summary=["", GOOD["summary"]])
    for ask in told.asks:
        heard = json.dumps([[text_of(ask, turn) for turn in range(len(ask.messages))], ask.schema])
        assert [secret for secret in SECRETS if secret in heard] == []


def test_each_phase_builds_on_those_before():
    told = annotated()
    words = {role: [text_of(ask) for ask in told.of(role)] for role in GOOD}
    assert [QUERY in text for text in words["parse"]] == [True]
    assert [TASK in text for text in words["rebuild"]] == [True]
    for text, question in zip(words["general"], general_questions(), strict=True):
        assert question in text
        assert QUERY not in text  # so that all questions about a picture share these answers
        assert REBUILT not in text
    asked, *answered = words["scenario"]
    for question in general_questions():
        assert f"{question}\nGeneral: {question}" in asked
    assert QUERY in asked
    assert REBUILT in asked
    assert ["Who has left?" in text for text in answered] == [False, True, False]
    (merged,) = words["summary"]
    assert f"G2. {general_questions()[1]}\nGeneral: {general_questions()[1]}" in merged
    assert "S3. What hour is it?\nScene: What hour is it?" in merged
    assert QUERY in merged
    assert REBUILT in merged


def test_settings_say_which_questions_and_how_many():
    told = annotated(settings={"questions": ("Is it $5?",), "scenarios": 2}, scenario=lambda ask: (
        "1. A?\n2. B?\n3. C?" if "Write 2 questions" in text_of(ask) else "So."))  # fmt: skip
    assert ["Is it $5?" in text_of(ask) for ask in told.of("general")] == [True]
    assert [step.question for step in told.result.steps if step.phase == "scenario"] == ["", "A?", "B?"]


# --- replies that cannot be used


@pytest.mark.parametrize(
    ("role", "said", "fault", "flag"),
    [
        ("parse", "She is sad.", "no JSON object", "query not parsed"),
        ("parse", Answer("", '{"task": "Find', "truncated"), "cut off", "query not parsed"),
        ("parse", '{"person": "", "emotion": "", "task": " \\n"}', "'task' is blank", "query not parsed"),
        ("parse", '{"person": 1, "emotion": "", "task": "x"}', "'person' of the object must be a text", "query not p"),
        ("parse", f"{GOOD['parse']} {GOOD['parse']}", "2 objects", "query not parsed"),
        ("parse", '{"task": "a", "task": "b", "person": "", "emotion": ""}', "a key twice", "query not parsed"),
        ("rebuild", REFUSAL, "it declines", "question not rebuilt"),
        ("rebuild", Answer("", "Not me.", "refused"), "it declines", "question not rebuilt"),
        ("rebuild", "A woman in red.", "no question mark", "question not rebuilt"),
        ("rebuild", "Why?" * 200, "too long", "question not rebuilt"),
        ("rebuild", Answer("", "Why is the woman, who?", "truncated"), "too long", "question not rebuilt"),
        ("scenario", REFUSAL, "3 numbered questions", "no scene questions"),
        ("scenario", "1. The chair.\n2. The rain.", "3 numbered questions", "no scene questions"),
        ("summary", '{"triggers": "rain"}', "'triggers' of the object must be a list", "summary unreadable"),
        ("summary", "It rains.", "no JSON object", "summary unreadable"),
    ],
)
def test_a_reply_that_cannot_be_used_is_told_and_asked_for_once_more_then_flagged(role, said, fault, flag):
    told = annotated(**{role: said})
    first, second = told.of(role)[:2]
    assert len([step for step in told.result.steps if step.phase == role]) == 2
    words = said.text if isinstance(said, Answer) else said
    assert second.messages[0] == first.messages[0]
    assert [turn.speaker for turn in second.messages] == ["user", "assistant", "user"]
    assert text_of(second, 1) == words
    assert fault in text_of(second)
    assert (second.role, second.gen, second.schema) == (first.role, first.gen, first.schema)
    assert [one for one in told.result.flags if one.startswith(flag)] != []
    mended = annotated(**{role: [said, GOOD[role]]}).result
    assert mended.flags == ()
    assert [one.text for one in mended.kept] == ["An empty chair", "Rain outside"]


@pytest.mark.parametrize("role", ["parse", "rebuild", "scenario", "summary"])
@pytest.mark.parametrize("said", ["", " \n", "x" * 20_001])
def test_after_silence_or_a_flood_the_model_is_asked_afresh(role, said):
    first, second = annotated(**{role: [said, GOOD[role]]}).of(role)[:2]
    assert len(second.messages) == 1
    assert text_of(second).startswith(f"{text_of(first)}\n\n")
    assert second.pictures == first.pictures
    assert "xxx" not in text_of(second)


def test_what_was_not_understood_goes_on_as_the_user_put_it():
    told = annotated(parse="Hm.", rebuild=REFUSAL)
    assert QUERY in text_of(told.of("rebuild")[0])
    assert f"In other words: {QUERY}" in text_of(told.of("summary")[0])
    assert (told.result.question, told.result.emotion) == (QUERY, "SORROW")
    assert told.result.flags == ("query not parsed", "question not rebuilt")


def test_without_scene_questions_the_general_answers_are_merged():
    told = annotated(scenario="No.")
    assert [step.label for step in told.result.steps if step.label] == ["G1", "G2", "G3", "G4"]
    assert len(told.of("scenario")) == 2
    assert len(told.result.kept) == 2


# --- answers that are none


def test_declined_answers_are_left_out_and_cannot_be_cited():
    cited = summary(trigger("Rain", **{"from": ["G2", "S2", "S1"]}))
    told = annotated(
        general=["One.", REFUSAL, Answer("", "Four.", "refused"), " "],
        scenario=[GOOD["scenario"], "Yes.", REFUSAL, "I cannot see the man's face, but he bows."],
        summary=cited,
    )
    merged = text_of(told.of("summary")[0])
    assert [label for label in ("G1", "G2", "G3", "G4", "S1", "S2", "S3") if f"\n{label}. " in merged] == [
        "G1", "S1", "S3",
    ]  # fmt: skip
    assert "he bows" in merged
    assert told.result.flags == ("answers declined",)
    by_label = {step.label: step.ask for step in told.result.steps}
    (rain,) = told.result.triggers
    assert rain.asks == (by_label["S1"], told.result.steps[-3].ask)
    assert told.result.steps[-3].phase == "summary"
    assert [step.answer for step in told.result.steps if step.phase == "general"] == ["One.", REFUSAL, "Four.", " "]


def test_where_nothing_was_answered_nothing_is_made_up():
    told = annotated(general=REFUSAL, scenario=lambda ask: scene(ask) if "Write 3" in text_of(ask) else "")
    assert told.of("summary") == told.of("relevant") == []
    assert (told.result.triggers, told.result.flags) == ((), ("answers declined", "nothing was answered"))
    response = responded(general=REFUSAL, scenario=REFUSAL)
    assert (response.text, response.outcome, response.unscored) == ("", "refused", None)


# --- summaries


def test_prose_in_a_list_is_salvaged_and_flagged():
    said = (
        "The triggers are:\n1. **An empty chair** \n   - Kind: object\n2) Rain outside\n2) Rain outside\nThat is all."
    )
    told = annotated(summary=said)
    assert [(one.text, one.kind, one.confidence) for one in told.result.kept] == [
        ("An empty chair", None, None), ("Rain outside", None, None),
    ]  # fmt: skip
    assert told.result.flags == ("summary not in form", "trigger without a source")
    summaries = tuple(step.ask for step in told.result.steps if step.phase == "summary")
    assert len(summaries) == 2
    assert [one.asks for one in told.result.triggers] == [summaries] * 2
    assert responded(summary=said).text == "1. An empty chair\n2. Rain outside"


def test_the_reply_that_holds_triggers_is_salvaged_the_last_one_first():
    assert [one.text for one in annotated(summary=["- Rain", "Sorry."]).result.kept] == ["Rain"]
    assert [one.text for one in annotated(summary=["- Rain", "- Snow"]).result.kept] == ["Snow"]


def test_of_a_summary_that_was_cut_off_the_whole_triggers_count():
    whole = summary(*(trigger(f"Cause {n}") for n in range(5)))
    told = annotated(settings=NO_GATES, summary=Answer("", whole[: whole.index("Cause 4")], "truncated"))
    assert "cut off" in text_of(told.of("summary")[1])
    assert [(one.text, one.kind) for one in told.result.kept] == [(f"Cause {n}", "object") for n in range(4)]
    assert told.result.flags == ("summary not in form",)


@pytest.mark.parametrize(
    ("said", "text", "outcome"),
    [
        ("She is sad because of the rain.", "She is sad because of the rain.", "ok"),
        (Answer("", "She is sad bec", "truncated"), "She is sad bec", "truncated"),
        (Answer("", REFUSAL, "refused"), REFUSAL, "refused"),
        (Answer("", "", "empty"), "", "empty"),
        (["She frowns.", "It rains."], "It rains.", "ok"),
    ],
)
def test_other_prose_is_kept_and_scored_as_it_stands(said, text, outcome):
    told = annotated(summary=said)
    assert (told.result.triggers, told.result.flags) == ((), ("summary unreadable",))
    assert told.of("duplicate") == told.of("grounded") == told.of("relevant") == []
    response = responded(summary=said)
    assert (response.text, response.outcome, response.unscored) == (text, outcome, None)


def test_a_summary_without_triggers_is_an_empty_answer():
    told = annotated(summary='{"triggers": []}')
    assert (told.result.triggers, told.result.flags) == ((), ("summary names no trigger",))
    assert len(told.of("summary")) == 1
    response = responded(summary='{"triggers": []}')
    assert (response.text, response.outcome) == ("", "empty")


def test_of_a_thousand_triggers_thirty_go_on_and_the_rest_stays_on_record():
    told = annotated(summary=summary(*(trigger(f"Cause {n}") for n in range(1, 1001))))
    assert len(told.result.triggers) == 1000
    assert [one.text for one in told.result.kept] == [f"Cause {n}" for n in range(1, 31)]
    assert {one.dropped for one in told.result.triggers[30:]} == {"beyond the first 30"}
    assert {len(one.gates) for one in told.result.triggers[30:]} == {0}
    assert (len(told.of("grounded")), told.result.flags) == (30, ("too many triggers",))
    assert len({one.id for one in told.result.triggers}) == 1000


def test_equal_words_are_one_trigger_with_all_sources():
    first, again = trigger("Rain", kind="nonsense"), trigger("rain. ", confidence=90, **{"from": ["S1"]})
    told = annotated(settings=NO_GATES, summary=summary(first, again))
    (rain,) = told.result.triggers
    labels = {step.ask: step.label for step in told.result.steps}
    assert (rain.text, rain.kind, rain.confidence, rain.merged) == ("Rain", "object", 0.9, ())
    assert [labels[key] for key in rain.asks] == ["G1", "", "", "S1"]
    assert told.result.flags == ("summary not in form",)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<script>alert(1)</script> <b>fist</b>", "<script>alert(1)</script> <b>fist</b>"),
        ("a\x00b\x1b[31mred\x7f\n\r\tline\u2028sep\x85nel", "a b [31mred line sep nel"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        (" 3) - \u2022 2. raised fist", "raised fist"),
        ("**Raised** fist", "Raised fist"),
        ("3.5 million people", "3.5 million people"),
        ("-5 degrees", "-5 degrees"),
        ("$query ${triggers} {claim}", "$query ${triggers} {claim}"),
        ("喜び 🎂", "喜び 🎂"),
    ],
)
def test_a_trigger_is_one_line_of_text_whatever_it_holds(text, kept):
    told = annotated(summary=summary(text))
    assert [one.text for one in told.result.kept] == [kept]
    assert kept in text_of(told.of("grounded")[0])
    assert responded(summary=summary(text)).text == f"1. {kept}"


@pytest.mark.parametrize("text", ["", " \n", "1. ", "...", "- * \u2022", "\u200b", "\x00"])
def test_a_trigger_without_a_word_is_none(text):
    assert [one.text for one in annotated(summary=summary(text, "Rain")).result.triggers] == ["Rain"]


@pytest.mark.parametrize(
    ("cited", "labels"),
    [
        (["G9", "X1", "", "G"], []),
        ([], []),
        (["[g1]", " S2. ", "G1"], ["G1", "S2"]),
        (["G4, S3 and S1"], ["G4", "S3", "S1"]),
    ],
)
def test_labels_lead_to_asks_and_those_that_do_not_exist_to_a_flag(cited, labels):
    told = annotated(settings=NO_GATES, summary=summary(trigger("Rain", **{"from": cited})))
    named = {step.ask: step.label for step in told.result.steps}
    assert [named[key] for key in told.result.triggers[0].asks] == [*labels, ""]
    assert told.result.flags == (() if labels else ("trigger without a source",))


@pytest.mark.parametrize(
    ("stated", "share"),
    [(0, 0), (1, 0.01), (100, 1), (55.5, 0.555), (0.8, 0.8), (1.0, 1), (101, None), (-1, None), (1e400, None)],
)
def test_confidence_is_a_share_or_unsaid(stated, share):
    said = json.dumps({"triggers": [trigger("Rain", confidence=stated)]}).replace("Infinity", "1e400")
    assert annotated(settings=NO_GATES, summary=said).result.triggers[0].confidence == share


# --- asks that fail


@pytest.mark.parametrize("role", [*GOOD])
def test_a_failed_ask_ends_the_chain_with_its_reason(role):
    failed = Failure("timeout", f"60 s, {role}")
    told = annotated(**{role: failed})
    assert isinstance(told.result, AskFailed)
    assert (told.result.reason, told.result.detail) == ("timeout", f"60 s, {role}")
    assert told.steps[-1][-1].role == ("relevant" if role == "grounded" else role)


@pytest.mark.parametrize("role", ["parse", "rebuild", "scenario", "summary"])
def test_a_second_ask_that_fails_ends_the_chain_too(role):
    told = annotated(**{role: ["", Failure("budget", "spent")]})
    assert isinstance(told.result, AskFailed)
    assert told.result.reason == "budget"


def test_one_failure_among_asks_side_by_side_is_not_swallowed():
    told = annotated(general=["One.", "Two.", Failure("timeout", "60 s"), "Four."])
    assert isinstance(told.result, AskFailed)
    assert [ask.role for ask in told.steps[-1]] == ["general"] * 4


def test_a_sample_without_a_picture_costs_nothing():
    told = annotated(Sample("t1", QUERY, "sad", (), (), "t1"))
    assert told.asks == []
    assert (told.result.reason, "'t1'" in told.result.detail) == ("no picture", True)


# --- a dry run


def test_a_stand_in_takes_a_chain_to_its_end():
    numbers = iter(range(1000))
    scripts = {role: lambda ask: stand_in(ask, own := f"stand-in {next(numbers)}") or own for role in PHASES}
    for settings in ({}, {"repeat": 2, "scenarios": 5}):
        told = annotated(settings=settings, **scripts)
        assert told.result.flags == ()
        assert len(told.result.kept) == 5 * settings.get("repeat", 1)
        assert {ask.role for ask in told.asks} == set(PHASES)
        assert len(told.of("scenario")) == settings.get("repeat", 1) * (1 + settings.get("scenarios", 3))


def test_a_stand_in_needs_none_of_our_words(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[self-ask]\nscenario_ask = "$count, please: $query $question\\n$answers"\n')
    numbers = iter(range(1000))
    script = {role: lambda ask: stand_in(ask, own := f"stand-in {next(numbers)}") or own for role in PHASES}
    chain = SelfAsk(texts := load_prompts(own), default_settings(texts))
    told = drive(chain.annotate(replace(SAMPLE, question="Tell:\n1. why\n2. since when")), **script)
    assert told.result.flags == ()
    assert len(told.of("relevant")) == 1
    assert len(told.of("scenario")) == 1 + 3


def test_a_stand_in_leaves_other_asks_alone():
    (ask,) = drive(build_strategy("direct", PROMPTS).respond(SAMPLE), answer="x").asks
    assert stand_in(ask, "own") is None


# --- in a command


def test_a_command_can_name_it_and_nothing_may_be_added():
    assert "self-ask" in STRATEGIES
    built = build_strategy("self-ask", PROMPTS)
    assert (built.name, built.roles, built.prompts) == ("self-ask", PHASES, ("self-ask",))
    told = drive(built.respond(SAMPLE))
    assert told.result.text == "1. An empty chair\n2. Rain outside"
    assert set(GATES) <= {ask.role for ask in told.asks}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("self-ask(3)", "'self-ask' takes no argument, got '3'"),
        ("self-ask+cot", "'self-ask' asks questions of its own, and takes no modifier"),
        ("self-ask+persona(none)", "takes no modifier"),
        ("direct+self-ask", "'self-ask' stands first or not at all"),
        ("self-ask+self-ask", "stands first or not at all"),
        ("self_ask", "did you mean 'self-ask'"),
    ],
)
def test_what_cannot_be_combined_is_refused_in_one_line(spec, says):
    with pytest.raises(UserError, match=r"\A[^\n]+\Z") as refused:
        build_strategy(spec, PROMPTS)
    assert says in str(refused.value)


def test_it_needs_no_captions():
    with pytest.raises(UserError, match="--captions"):
        build_strategy("self-ask", PROMPTS, {})


def test_a_topic_that_a_user_leaves_blank_is_not_asked_about(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[self-ask]\npeople = " "\n')
    assert len(default_settings(load_prompts(own)).questions) == 3
