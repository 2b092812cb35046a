"""The explorer's data: everything of a sample, small arrays of all of them, and nothing that leaves its string."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_boards import Made, book_of, counted, make_board, overlapped, sample, write_metrics

from whyfeel.engine import Entry
from whyfeel.errors import DataError
from whyfeel.records import Answer, Judgement, Response, Unscored, ask_key, canonical
from whyfeel.site import payload as module
from whyfeel.site.book import Board
from whyfeel.site.explorer import Explorer
from whyfeel.site.options import SiteOptions
from whyfeel.site.payload import Payload, data_file
from whyfeel.site.people import People
from whyfeel.site.pictures import LEFT_OUT, Shown

HOSTILE = "</script><script>alert(1)</script>&\u2028\u2029\x00\u202e\ud800 \U0001f600"


def read(content: bytes) -> tuple[str, Any]:
    """What a data file hands to the script."""
    text = content.decode()
    assert text.startswith("whyfeel.data(")
    assert text.endswith(");\n")
    name, value = json.loads(f"[{text[len('whyfeel.data(') : -3]}]")
    return name, value


def told(board: Board) -> dict[str, Any]:
    """Data name to value."""
    files = list(Payload(board, lambda _: Shown(), People((), board)).files())
    found = [read(file.content) for file in files]
    assert [f"data/{name}.js" for name, _ in found] == [file.address for file in files]
    return dict(found)


def entry(text: str, said: list[Any], **more: Any) -> Entry:
    role = more.pop("role", "answer")
    asked = canonical({"messages": said, "model": "m", "role": role})
    seconds = more.pop("seconds", 1.25)
    return Entry(Answer(ask_key(asked), text, **more), role, "m", asked, role, "http://h/v1", seconds)


@given(st.text() | st.text(st.sampled_from(HOSTILE)))
def test_what_is_told_comes_back_to_the_letter_and_ends_no_script(text: str) -> None:
    content = data_file("b/0", {"said": text}).content
    assert read(content) == ("b/0", {"said": text})
    assert not set(content.decode()) & set("<>&\u2028\u2029")


def test_all_of_a_sample_is_told(tmp_path: Path) -> None:
    one = sample(0, picture="a.png", flags=("odd",), caption="A party", person="the girl")
    words = [["system", ["Be brief."]], ["user", [{"picture": "hash:plain"}, "Why?"]]]
    asked = entry("A cake.", words, tokens_in=12, tokens_out=3, cost=0.5, served="m-2026")
    judge = entry("{}", [["user", ["Judge."]]], role="judge", seconds=None)
    response = Response("s0", "A cake, \U0001f600 rain.", asks=(asked.answer.ask_id,))
    verdicts = [
        {"verdict": "supported", "quote": "A cake", "reason": "said"},
        {"verdict": "absent", "quote": "", "reason": "not"},
    ]
    detail = {"verdicts": verdicts, "claims": [{"quote": "rain", "reason": "dry"}], "tries": 1}
    judgement = Judgement("s0", counted(f1=0.5, chance=0.123456), detail, (judge.answer.ask_id, "f" * 32))
    board = make_board(tmp_path, [one], Made("m", [response], {"verdicts": [judgement]}, [asked, judge]))
    found = told(board)["toys/0"]["samples"][0]
    assert (found["question"], found["caption"], found["person"]) == ("Why is she happy 0?", "A party", "the girl")
    assert (found["triggers"], found["flags"]) == ([["a cake"], ["balloons"]], ["odd"])
    (run,) = found["runs"]
    assert (run["text"], run["outcome"], run["own"]) == (response.text, "ok", [0])
    (judged,) = run["judges"]
    assert judged["spans"] == [[0, 6, "f", [0]], [11, 15, "u", []]]  # the emoji is two units
    assert judged["verdicts"] == [["found", "A cake", "said", []], ["absent", "", "not", []]]
    assert judged["claims"] == [["rain", "dry", ""]]
    assert (judged["values"][0], judged["chance"], judged["own"]) == ("0.500", "0.123", [1, 2])
    first, second, third = run["asks"]
    assert first["asked"] == "system: Be brief.\n\nuser: [picture]\nWhy?"
    assert (first["role"], first["model"], first["text"]) == ("answer", "m", "A cake.")
    facts = {"tokens": "12 in, 3 out", "cost": "$0.5000", "time": "1.2 s", "served by": "m-2026"}
    assert dict(first["facts"]) == facts
    assert dict(second["facts"]) == {"tokens": "n/a in, n/a out", "cost": "unknown", "time": "n/a"}
    assert third == {"key": "f" * 32}


def test_the_index_holds_a_number_a_sample_run_and_judge(tmp_path: Path) -> None:
    samples = [sample(n) for n in range(5)]
    first = [
        Response("s0", "A cake. Balloons."),
        Response("s1", "", "empty"),
        Response("s2", "I cannot.", "refused"),
        Response("s3", "A cake and", "truncated"),
        Response("s4", "", unscored=Unscored("timeout", "no answer")),
    ]
    second = [Response("s3", "balloons"), Response("s4", "A cake, rain, hail")]
    board = make_board(
        tmp_path,
        samples,
        Made("one", first, {"overlap": overlapped(samples, first)}),
        Made("two", second, {"overlap": overlapped(samples[3:], second)}),
    )
    found = told(board)
    index = found["toys/index"]
    assert index["ids"] == ["s0", "s1", "s2", "s3", "s4"]
    assert [index["emotions"][one] for one in index["emotion"]] == ["happy", "sad", "happy", "sad", "happy"]
    one, two = index["runs"]
    assert (one["outcomes"], two["outcomes"]) == (".ertu", "---..")
    judge = one["judges"][0]
    assert judge["score"] == "f1"  # kF1 is no score of a single sample
    assert judge["values"] == [1000, 0, 0, 667, None]
    assert two["judges"][0]["values"] == [None, None, None, 667, 400]
    assert found["toys/0"]["samples"][0]["runs"][1] is None
    assert found["toys/0"]["samples"][4]["runs"][0]["unscored"] == ["timeout", "no answer"]
    # what the index says to the thousandth is what the sample's own figures say
    for place, tell in enumerate(found["toys/0"]["samples"]):
        value = tell["runs"][0]["judges"][0]["values"][judge["scores"].index("f1")]
        assert value == ("n/a" if judge["values"][place] is None else f"{judge['values'][place] / 1000:.3f}")


def test_samples_are_paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    samples = [sample(n) for n in range(5)]
    responses = [Response(one.id, f"answer {one.id}") for one in samples]
    found = told(make_board(tmp_path, samples, Made("m", responses, {"overlap": overlapped(samples, responses)})))
    assert list(found) == ["toys/0", "toys/1", "toys/2", "toys/words", "toys/index"]
    assert [len(found[f"toys/{n}"]["samples"]) for n in range(3)] == [2, 2, 1]
    assert found["toys/2"]["samples"][0]["runs"][0]["text"] == "answer s4"
    assert found["toys/index"]["page"] == 2


def test_less_of_each_text_is_searched_where_there_are_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORDS_IN_ALL", 20)
    samples = [sample(n, question="Why  so\nglad about it?") for n in range(2)]
    responses = [Response(one.id, "a b   c d e f") for one in samples]
    found = told(make_board(tmp_path, samples, Made("m", responses, {"overlap": overlapped(samples, responses)})))
    assert found["toys/words"] == {"questions": ["Why so gla"] * 2, "answers": [["a b c d e "] * 2]}
    assert found["toys/index"]["searched"] == 10


def test_hostile_and_endless_texts_are_told_as_far_as_anybody_reads(tmp_path: Path) -> None:
    one = sample(0, question=HOSTILE, triggers=(HOSTILE, "a cake"))
    text = "a cake, " + "<b>x</b> " * 120_000
    said = entry("y" * 5000, [["user", ["x" * 1_000_000 + "the end"]]])
    response = Response("s0", text, asks=(said.answer.ask_id,))
    board = make_board(tmp_path, [one], Made("m", [response], {"overlap": overlapped([one], [response])}, [said]))
    found = told(board)["toys/0"]["samples"][0]
    assert found["question"] == HOSTILE
    run = found["runs"][0]
    assert run["text"] == text[:50_000]
    assert run["long"] == len(text) - 50_000
    assert all(end <= 50_000 for _, end, _, _ in run["judges"][0]["spans"])
    (ask,) = run["asks"]
    assert ask["asked"].endswith("\n[998,013 characters left out]\n" + "x" * 793 + "the end")
    assert len(ask["text"]) < 2100


def test_metrics_of_these_answers_are_told_and_no_others(tmp_path: Path) -> None:
    samples = [sample(n) for n in range(2)]
    responses = [Response(one.id, "cake") for one in samples]
    board = make_board(tmp_path, samples, Made("m", responses, {"overlap": overlapped(samples, responses)}))
    write_metrics(tmp_path / "m", "bleu", {"s0": 0.25, "s1": None})
    assert [one["runs"][0]["metrics"] for one in told(board)["toys/0"]["samples"]] == [{"bleu": "0.250"}, {}]
    write_metrics(tmp_path / "m", "bleu", {"s0": 0.25, "s1": None}, digest="of other answers")
    assert told(board)["toys/0"]["samples"][0]["runs"][0]["metrics"] == {}


def test_a_run_without_ledger_says_so(tmp_path: Path) -> None:
    response = Response("s0", "cake", asks=("0" * 32,))
    board = make_board(tmp_path, [sample(0)], Made("m", [response], {"overlap": overlapped([sample(0)], [response])}))
    found = told(board)
    assert "no ledger" in found["toys/index"]["runs"][0]["notes"][0]
    assert found["toys/0"]["samples"][0]["runs"][0]["asks"] == [{"key": "0" * 32}]


def test_answers_out_of_order_are_refused_and_never_mixed_up(tmp_path: Path) -> None:
    samples = [sample(n) for n in range(2)]
    responses = [Response(one.id, "cake") for one in samples]
    judged = overlapped(samples, responses)
    board = make_board(tmp_path, samples, Made("m", responses[::-1], {"overlap": judged}))
    with pytest.raises(DataError, match=r"responses\.jsonl' is not in the order .* 's0'"):
        told(board)


def test_a_picture_is_told_as_it_is_shown(tmp_path: Path) -> None:
    one = sample(0, picture="a.png")
    response = Response("s0", "cake")
    board = make_board(tmp_path, [one], Made("m", [response], {"overlap": overlapped([one], [response])}))
    files = list(Explorer(SiteOptions(images=tmp_path)).files(book_of(board)))
    assert read(files[0].content)[1]["samples"][0]["pictures"] == [{"why": "no such file: 'a.png'"}]
    files = list(Explorer(SiteOptions(images=tmp_path, pictures=False)).files(book_of(board)))
    assert read(files[0].content)[1]["samples"][0]["pictures"] == [{"why": LEFT_OUT}]
    (page,) = Explorer(SiteOptions()).pages(book_of(board))
    assert (page.address, list(page.scripts)) == ("explore/toys", ["data/toys/index.js"])
