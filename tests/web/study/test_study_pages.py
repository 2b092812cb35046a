"""The study's pages without a browser: the way from consent to code, and everything beside it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import Client, Forms, served
from studied import design_of, write_study

from whyfeel.errors import StoreFailed, UserError
from whyfeel.study.collected import Collected, Trial
from whyfeel.study.design import SKIP, Question
from whyfeel.web.pages import Page
from whyfeel.web.study.pages import paragraphs
from whyfeel.web.study.site import Site, address_of, in_the_clear

TEXT = re.compile(r'<section class="text"[^>]*>(.*?)</section>', re.DOTALL)


def texts(page: str) -> list[str]:
    """The texts that a page shows, from the left."""
    return [" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in TEXT.findall(page)]


async def collected(app: Any) -> Collected:
    return await app.state.site.store.collected()


async def test_from_consent_to_code(tmp_path: Path) -> None:
    design = design_of(6, items=4, repeats=1, attention=1)
    async with served(write_study(tmp_path / "S", design)) as app:
        rater = Client(app)
        page = await rater.get("/")
        assert "You can skip any of them." in page.words
        assert (await collected(app)).raters == ()
        assert rater.cookies == {}
        first = await rater.begin()
        assert "1 of 6" in first.words
        assert await rater.finish(first, answer="left") == 6
        (one,) = (await collected(app)).raters
        assert (one.status, one.entrant, one.tries) == ("finished", "", 0)
        about = await rater.get("/about-you")
        assert (await rater.send(about, do="save", q0="1", q1="")).onward == "/done"
        done = await rater.get("/done")
        assert "C0FFEE-42" in done.words
        held = await collected(app)
        assert held.demographics == {1: {"age": "35 or older"}}
        assert {trial.answer for trial in held.trials} == {"left"}
        assert [trial.role for trial in held.trials].count("item") == 4
        for path in ("/", "/instructions", "/next", "/trials/99"):
            assert (await rater.get(path)).status in {303, 404}


async def test_what_stands_left_is_what_the_store_says(tmp_path: Path) -> None:
    design = design_of(8, items=8, repeats=2, attention=2)
    async with served(write_study(tmp_path / "S", design)) as app:
        rater = Client(app)
        page, seen = await rater.begin(), {}
        while "/trials/" in page.text:
            place = int(re.search(r'action="/trials/(\d+)"', page.text).group(1))
            trial: Trial = await app.state.site.store.trial(1, place)
            shown = texts(page.text)
            if trial.role == "attention":
                words = design.texts.attention[int(trial.item)].text
                assert shown == [f"A {words}", f"B {words}"]
            else:
                item = design.by_id[trial.item]
                pair = [one.text for one in item.candidates][:: -1 if trial.swapped else 1]
                assert shown == [f"A {pair[0]}", f"B {pair[1]}"]
                assert item.question in page.words
                assert f'src="/pictures/{item.picture}"' in page.text
            assert " checked" not in page.text
            seen[place] = trial
            await rater.send(page, answer="both bad")
            page = await rater.next()
        assert sorted(seen) == list(range(1, 13))
        sides = [one.swapped for one in seen.values() if one.role == "item"]
        assert {True, False} == set(sides)


async def test_pages_tell_nothing_of_whose_texts_they_are(tmp_path: Path) -> None:
    design = design_of(2, items=2)
    async with served(write_study(tmp_path / "S", design)) as app:
        page = await Client(app).begin()
        told = page.text
        for one in design.items:
            assert one.sample not in told
            assert one.id not in told
            for candidate in one.candidates:
                assert candidate.id not in told
        assert not re.search(r"system|repeat|attention|swapped|whyfeel", told)


async def test_a_rating_study_shows_one_text_and_the_scale(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of(2, kind="rating", items=2, repeats=0))) as app:
        rater = Client(app)
        page = await rater.begin()
        assert re.findall(r'name="answer" value="(-?\d+)" required data-key="(\d)"', page.text) == [
            (str(n), str(n)) for n in range(6)
        ]
        assert "Right in the main" in page.words
        assert len(texts(page.text)) == 1
        assert (await rater.send(page, answer="6")).status == 422
        assert (await rater.send(page, answer="left")).status == 422
        assert await rater.finish(page, answer="5") == 3
        assert {one.answer for one in (await collected(app)).trials} == {"5"}


# ---- the comprehension check


async def test_the_check_counts_tries_and_turns_away(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        await rater.consent()
        page = await rater.get("/instructions")
        none = await rater.send(page, q0="1")
        assert (none.status, "answer every question" in none.words) == (422, True)
        assert Forms(none.text).found[0][1]["q0"] == "1"
        odd = await rater.send(page, q0="1", q1="3")
        assert odd.status == 422
        wrong = {"q0": "0", "q1": "1"}
        # a double click: two at once, and the same form once more from the page before
        both = await asyncio.gather(rater.send(page, **wrong), rater.send(page, **wrong))
        assert [one.onward for one in both] == ["/instructions"] * 2
        assert (await rater.send(page, **wrong)).onward == "/instructions"
        page = await rater.get("/instructions")
        assert "Not every answer was right" in page.words
        assert "one more time" in page.words
        assert (await rater.get("/next")).onward == "/instructions"
        assert (await rater.get("/done")).onward == "/instructions"
        assert (await rater.send(page, **wrong)).onward == "/done"
        end = await rater.get("/done")
        assert "The study ends here" in end.words
        assert "C0FFEE" not in end.words
        assert [one.status for one in (await collected(app)).raters] == ["screened out"]
        for path in ("/", "/next", "/instructions", "/leave"):
            assert (await rater.get(path)).onward == "/done"


async def test_no_questions_need_no_check_and_no_demographics_no_page(tmp_path: Path) -> None:
    design = design_of(2, items=2, repeats=0, attention=0, comprehension=(), demographics=(), completion_code="")
    async with served(write_study(tmp_path / "S", design)) as app:
        rater = Client(app)
        assert await rater.finish(await rater.begin(), answer="right") == 2
        assert (await rater.get("/about-you")).onward == "/done"
        assert "completion code" not in (await rater.get("/done")).words


# ---- an answer is given once


async def test_the_first_answer_stands(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        assert (await rater.send(page, answer="left", comment=" one \r\ntwo ")).onward == "/trials/2"
        assert (await rater.send(page, answer="left")).onward == "/trials/2"  # a double click
        other = await rater.send(page, answer="right")
        assert (other.status, "Your answer: A is better." in other.words) == (409, True)
        assert (await rater.send(page, answer="-")).status == 409
        back = await rater.get("/trials/1")
        assert (back.status, "Your answer: A is better." in back.words) == (200, True)
        assert Forms(back.text).found == []
        first = (await collected(app)).trials[0]
        assert (first.answer, first.comment) == ("left", "one \ntwo")
        later = await rater.get("/trials/4")  # not shown yet
        assert later.onward == "/next"


async def test_a_skip_is_an_answer(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of(1, items=1, repeats=0))) as app:
        rater = Client(app)
        page = await rater.begin()
        assert (await rater.send(page, do=SKIP, answer="left")).onward == "/trials/2"
        assert "You skipped this one." in (await rater.get("/trials/1")).words
        assert (await collected(app)).trials[0].answer == SKIP


@pytest.mark.parametrize("answer", ["-", "", "LEFT", "left\0", "7", "left " * 1000])
async def test_an_answer_that_is_none_is_asked_again(tmp_path: Path, answer: str) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        again = await rater.send(page, answer=answer, comment="<b>mine")
        assert (again.status, "Please choose one" in again.words) == (422, True)
        assert "&lt;b&gt;mine</textarea>" in again.text
        assert (await collected(app)).trials[0].answer == ""
        assert (await rater.send(again, answer="left")).onward == "/trials/2"


async def test_a_comment_has_an_end_and_is_kept_while_it_is_mended(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        long = await rater.send(page, answer="left", comment="é" * 2001)
        assert (long.status, "at most 2,000 characters" in long.words) == (422, True)
        assert Forms(long.text).found[0][1]["answer"] == "left"
        # as many as may be, each of four bytes, arrive
        assert (await rater.send(page, answer="left", comment="𝄞" * 2000)).onward == "/trials/2"
        assert (await collected(app)).trials[0].comment == "𝄞" * 2000


# ---- who is away, and who leaves


async def test_what_went_to_somebody_else_is_told(tmp_path: Path) -> None:
    design = design_of(1, items=1, ratings=1, repeats=0, attention=0, lease=60.0)
    async with served(write_study(tmp_path / "S", design)) as app:
        now = [1000.0]
        app.state.site.store._clock = lambda: now[0]
        slow, quick = Client(app), Client(app)
        old = await slow.begin()
        await quick.consent()
        right = {"q0": "1", "q1": "1"}
        await quick.send(await quick.get("/instructions"), **right)
        full = await quick.get("/next")
        assert (full.status, "Nothing is left to judge just now" in full.words) == (200, True)
        now[0] += 61
        assert await quick.finish(await quick.next(), answer="right") == 1
        for reply in (await slow.send(old, answer="left"), await slow.get("/trials/1"), await slow.send(old)):
            assert (reply.status, "went to somebody else" in reply.words) == (409, True)
        votes = [(one.rater, one.answer, one.passed_on) for one in (await collected(app)).trials]
        assert votes == [(1, "", True), (2, "right", False)]


async def test_leaving_asks_once_and_is_for_good(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        await rater.send(page, answer="left")
        second = await rater.next()
        asked = await rater.get("/leave")
        assert "Go on with the study" in asked.words
        assert (await collected(app)).raters[0].status == "working"
        assert (await rater.send(asked)).onward == "/done"
        assert "You have left the study" in (await rater.get("/done")).words
        assert (await rater.send(asked)).onward == "/done"
        assert (await rater.send(second, answer="left")).onward == "/done"
        for path in ("/", "/next", "/instructions", "/leave", "/about-you", "/trials/2"):
            assert (await rater.get(path)).onward == "/done"
        held = await collected(app)
        assert held.raters[0].status == "withdrawn"
        assert [one.answer for one in held.trials if one.answer] == ["left"]


async def test_whoever_has_finished_may_withdraw_after_all(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        await rater.finish(await rater.begin(), answer="left")
        about = await rater.get("/about-you")
        asked = await rater.get("/leave")
        assert "Keep my answers" in asked.words
        await rater.send(asked)
        assert "C0FFEE" not in (await rater.get("/done")).words
        assert (await rater.send(about, do="save", q0="1")).onward == "/done"
        assert (await collected(app)).demographics == {}


async def test_demographics_take_their_options_alone_and_may_be_skipped(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        await rater.finish(await rater.begin(), answer="left")
        about = await rater.get("/about-you")
        for odd in ("2", "-1", "35 or older", "0x1", "\u0661", "1" * 6000):
            assert (await rater.send(about, do="save", q0=odd)).status == 422
        assert (await rater.send(about, do="skip", q0="1")).onward == "/done"
        assert (await collected(app)).demographics == {}
        for q0 in ("0", "1"):
            await rater.send(about, do="save", q0=q0, age="x", q9="0")
        assert (await collected(app)).demographics == {1: {"age": "35 or older"}}


# ---- ways in


async def test_a_double_click_on_consent_is_one_person(tmp_path: Path) -> None:
    for entry, path in (("open", "/"), ("prolific", "/?PROLIFIC_PID=5f1a")):
        async with served(write_study(tmp_path / entry, design_of(entry=entry))) as app:
            rater = Client(app)
            page = await rater.get(path)
            one, two = await asyncio.gather(rater.send(page), rater.send(page))
            assert one.headers["set-cookie"] == two.headers["set-cookie"]
            other_tab = await Client(app).get(path)
            assert (await rater.send(other_tab)).onward == "/instructions"
            assert len((await collected(app)).raters) == 1


async def test_prolific_ids_come_along_and_take_part_once(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of(entry="prolific"))) as app:
        path = "/?PROLIFIC_PID=60fAB-c_9&STUDY_ID=x&SESSION_ID=y"
        rater = Client(app)
        page = await rater.begin(path)
        assert (await collected(app)).raters[0].entrant == "prolific:60fAB-c_9"
        assert "60fAB" not in page.text
        # the link once more: the same browser goes on, another is told
        assert (await rater.get(path)).onward == "/next"
        other = Client(app)
        reply = await other.send(await other.get(path))
        assert (reply.status, "in another browser" in reply.words, other.cookies) == (409, True, {})
        # somebody else at the same machine is somebody else
        await rater.consent("/?PROLIFIC_PID=other")
        assert [one.entrant for one in (await collected(app)).raters] == ["prolific:60fAB-c_9", "prolific:other"]
        for odd in ("", "?PROLIFIC_PID=", "?PROLIFIC_PID=a%20b", "?PROLIFIC_PID=%3Cb%3E", f"?PROLIFIC_PID={'a' * 65}"):
            reply = await Client(app).get(f"/{odd}")
            assert (reply.status, "through the study's page at Prolific" in reply.words) == (403, True), odd


async def test_a_seat_is_one_rater_in_every_browser(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "S", design_of(entry="invited", seats=2))
    async with served(folder) as app:
        site: Site = app.state.site
        links = site.links("http://127.0.0.1:8418")
        assert [one.partition(": ")[0] for one in links] == ["seat 01", "seat 02"]
        path, other = (one.partition("8418")[2] for one in links)
        home, abroad = Client(app), Client(app)
        page = await home.begin(path)
        await home.send(page, answer="left")
        await abroad.consent(path)  # asks again: the link alone tells nobody's
        assert (await abroad.get("/instructions")).status == 200
        assert "2 of 6" in (await abroad.next()).words
        assert home.cookies != abroad.cookies
        assert len((await collected(app)).raters) == 1
        assert (await home.get(path)).onward == "/next"
        await home.consent(other)
        assert [one.entrant for one in (await collected(app)).raters] == ["invited:seat 01", "invited:seat 02"]
        third = site.seals.token("seat 03")
        for odd in ("/", "/?seat=", f"/?seat={third}", f"/?seat={site.seals.token('reviewer')}", f"{path}x"):
            assert (await Client(app).get(odd)).status == 403
    assert Site(folder).links("http://127.0.0.1:8418") == links


# ---- pictures


async def test_pictures_and_why_there_is_none(tmp_path: Path) -> None:
    design = design_of(3, items=3, repeats=0, attention=0)
    first, second, third = design.items
    items = (first, replace(second, picture=""), replace(third, picture="0" * 16 + ".png"))
    folder = write_study(tmp_path / "S", replace(design, items=items))
    async with served(folder) as app:
        rater = Client(app)
        page, told = await rater.begin(), set()
        while "/trials/" in page.text:
            told |= {why for why in ("comes without a picture", "is missing or damaged") if why in page.words}
            await rater.send(page, answer="left")
            page = await rater.next()
        assert len(told) == 2
        reply = await rater.get(f"/pictures/{first.picture}")
        assert (reply.status, reply.headers["content-type"]) == (200, "image/png")
        assert reply.body == (folder.pictures / first.picture).read_bytes()
        assert (await rater.get(f"/pictures/{items[2].picture}")).status == 404


# ---- what is wrong with the store, and other faults


async def test_a_store_that_fails_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()

        async def full(*_: object) -> None:
            raise StoreFailed("the study '/secret/place' cannot be written: disk full")

        with monkeypatch.context() as broken:
            broken.setattr(app.state.site.store, "answer", full)
            reply = await rater.send(page, answer="left")
        assert (reply.status, "Nothing that you sent before is lost" in reply.words) == (500, True)
        assert "secret" not in reply.text
        assert "disk full" in caplog.text
        assert (await rater.send(page, answer="left")).onward == "/trials/2"

        async def odd(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(app.state.site.store, "answer", odd)
        client = Client(app)
        client.cookies = rater.cookies
        told: list[Any] = []

        async def keep(scope: Any, receive: Any, send: Any) -> None:
            async def noted(message: Any) -> None:
                told.append(message)
                await send(message)

            with pytest.raises(RuntimeError):
                await app(scope, receive, noted)

        keep.state = app.state
        client.app = keep
        reply = await client.send(await rater.next(), answer="left")
        assert (reply.status, "fault of ours" in reply.text) == (500, False)
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")


# ---- texts


async def test_hostile_texts_are_text(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script></div>\u202eright\0'\"&amp;"
    question = Question("odd", nasty, (nasty, nasty), 0)
    design = design_of(1, items=1, repeats=0, title=nasty, question=nasty, consent=nasty, comprehension=(question,))
    (item,) = design.items
    pair = (replace(item.candidates[0], text=nasty), replace(item.candidates[1], text="long " * 200_000))
    item = replace(item, question=nasty, caption=nasty, article=nasty * 30, candidates=pair)
    async with served(write_study(tmp_path / "S", replace(design, items=(item,)))) as app:
        rater = Client(app)
        start = await rater.get("/")
        await rater.consent()
        check = await rater.get("/instructions")
        await rater.send(check, q0="0")
        trial = await rater.next()
        for page in (start, check, trial, await rater.get("/leave"), await rater.get("/nothing<script>alert(1)")):
            assert "<script>alert" not in page.text
            assert "&lt;script&gt;alert(1)" in page.text
            assert not re.search(r"\son\w+=|\sstyle=|<style|<script>", page.text)
        assert len(trial.body) > 1_000_000
        assert trial.text.count('tabindex="0"') == 2  # what scrolls can be reached by keyboard: B, and the article
        assert (await rater.send(trial, answer="left", comment=nasty)).onward == "/trials/2"
        assert (await collected(app)).trials[0].comment == nasty.replace("\0", "\ufffd")
    assert Page("a\ud800<").body == b"a\\ud800<"


async def test_an_empty_answer_is_said_to_be_one(tmp_path: Path) -> None:
    design = design_of(1, items=1, repeats=0)
    (item,) = design.items
    pair = (replace(item.candidates[0], text=" \n"), item.candidates[1])
    async with served(write_study(tmp_path / "S", replace(design, items=(replace(item, candidates=pair),)))) as app:
        assert "(nothing was written)" in (await Client(app).begin()).words


def test_paragraphs() -> None:
    assert paragraphs("") == paragraphs(" \n\n ") == []
    assert paragraphs("a\r\n\r\nb\n\n\n\nc\nd") == ["a", "b", "c\nd"]


# ---- addresses


def test_addresses() -> None:
    assert address_of("127.0.0.1", None) == address_of("localhost", None) == ""
    assert address_of("0.0.0.0", "https://Study.Example.org:443/") == "https://study.example.org"
    assert address_of("127.0.0.1", "http://10.0.0.7:8418") == "http://10.0.0.7:8418"
    assert address_of("::", "http://[2001:DB8::1]:80") == "http://[2001:db8::1]"
    for host in ("0.0.0.0", "::", "::1", "10.0.0.7", "study.example.org"):
        with pytest.raises(UserError, match="--address"):
            address_of(host, None)
    for odd in ("", "study.example.org", "ftp://x", "http://", "http://x/study", "http://x?y", "http://x#y",
                "http://u:p@x", "http://x:99999", "http://[::", "javascript:alert(1)", "http://é.org"):  # fmt: skip
        with pytest.raises(UserError, match="without a path"):
            address_of("127.0.0.1", odd)
    assert in_the_clear("http://study.example.org")
    assert not in_the_clear("https://study.example.org")
    assert not in_the_clear("http://127.0.0.1:8418")
    assert not in_the_clear("http://localhost")
    assert not in_the_clear("http://[::1]:8418")
