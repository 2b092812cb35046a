"""429: the moment the endpoint names is kept, the window narrows, and every sample is scored in the end."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

import pytest
from chat_server import Say, chat, good, words

from whyfeel.engine import Limiter

ON_THE_WAY = 0.25  # seconds in which requests may still arrive that left before the 429 was known


class Storm:
    """Turns away the first `count` requests, and keeps the moments that it named, each with when it named it."""

    def __init__(self, count, seconds, *, dated):
        self.count, self.seconds, self.dated = count, seconds, dated
        self.named = []

    def __call__(self, call):
        if len(self.named) >= self.count:
            return chat(words(call), delay=0.02)
        if self.dated:
            moment = datetime.now(UTC) + timedelta(seconds=self.seconds)
            moment = moment.replace(microsecond=0)  # a date has no fractions
            value, seconds = format_datetime(moment, usegmt=True), (moment - datetime.now(UTC)).total_seconds()
        else:
            value, seconds = str(self.seconds), self.seconds
        self.named.append((call.at, monotonic() + seconds))
        return Say(b'{"error":{"message":"slow down"}}', 429, {"Retry-After": value})


def too_early(server, storm):
    """Requests that came when the endpoint had asked for silence."""
    return [c for c in server.calls if any(at + ON_THE_WAY < c.at < moment for at, moment in storm.named)]


@pytest.mark.parametrize(("seconds", "dated"), [(1, False), (3, True)])
def test_nothing_is_sent_before_the_moment_that_retry_after_names(seconds, dated, data, serve, cli, args, tmp_path):
    """A date has whole seconds, so that 3 s from now names a moment 2 to 3 s away."""
    storm = Storm(8, seconds, dated=dated)
    server = serve(storm)
    done = cli.run(*args(data, server, tmp_path / "run", "--concurrency", 8, "--json"))
    assert done.status == 0, done.err
    assert f'"scored": {data.count},' in done.out
    assert len(storm.named) == 8
    assert too_early(server, storm) == []
    assert len(server.calls) == data.calls + 8


def test_a_moment_named_later_moves_the_pause_of_all(few, serve, here, tmp_path):
    """Two calls under way together are told 1 s and then 2 s: the later moment holds for everybody."""
    first = []

    def script(call):
        if len(first) < 2:
            first.append(call.at)
            seconds = len(first)
            return Say(b"{}", 429, {"Retry-After": str(seconds)}, delay=0.1 * seconds)
        return good(call)

    server = serve(script)
    summary = here(few, server, tmp_path / "run", concurrency=2).summary
    assert summary["scored"] == few.count
    assert not [call for call in server.calls if first[0] + ON_THE_WAY < call.at < first[0] + 2]


def test_the_window_halves_once_for_calls_under_way_together_and_recovers_slowly(data, serve, here, tmp_path):
    """16 calls are turned away together: the window is 8, and grows by a tenth with each reply."""
    together = []

    def script(call):
        if len(together) < 16:
            together.append(call)
            return Say(b"{}", 429, delay=0.5)
        return chat(words(call), delay=0.03)

    server = serve(script)
    summary = here(data, server, tmp_path / "run", concurrency=16).summary
    assert summary["scored"] == data.count
    assert max(call.in_flight for call in server.calls[:16]) == 16
    later = server.calls[16:]
    # the n-th of them starts when n - 1 - in_flight replies have come, or fewer
    assert all(call.in_flight <= math.ceil(8 + 0.1 * n) for n, call in enumerate(later))
    assert max(call.in_flight for call in later[:10]) >= 6, "the window closed more than it should"


def test_429_without_retry_after_is_tried_again_and_takes_no_try(few, serve, here, tmp_path):
    """Ten refusals of each ask are more than the six tries of a failing call."""
    seen = {}

    def script(call):
        seen[call.digest] = seen.get(call.digest, 0) + 1
        return Say(b"{}", 429) if seen[call.digest] <= 10 and call.person < 2 else good(call)

    summary = here(few, serve(script), tmp_path / "run", concurrency=4).summary
    assert summary["scored"] == few.count
    assert sorted(seen.values()) == [1] * 12 + [11] * 4


def test_one_endpoint_keeps_its_silence_while_another_is_busy(few, serve, here, tmp_path):
    """Calls that wait for a slot, all of which the judge's endpoint holds, must not slip through as one is freed."""
    turned_away = []

    def answers(call):
        if not turned_away and call.number > 4:
            turned_away.append(call.at)
            return Say(b"{}", 429, {"Retry-After": "1"})
        return chat(words(call), delay=0.6 if turned_away else 0)

    server = serve(answers)
    judge = serve(lambda call: chat(words(call), delay=0.1 + 0.2 * call.number if call.number < 5 else 0))
    summary = here(few, server, tmp_path / "run", judge_server=judge, concurrency=4).summary
    assert summary["scored"] == few.count
    assert not [call for call in server.calls if turned_away[0] + 0.1 < call.at < turned_away[0] + 1]


async def test_tokens_that_were_not_used_do_not_open_a_closed_endpoint():
    """--tpm gives back what an estimate booked too much; that must not shorten a Retry-After."""
    limiter = Limiter("http://127.0.0.1/v1", 4, tpm=60_000)
    started = time.monotonic()
    await limiter.enter(10)
    await limiter.enter(10)
    limiter.limited(started, 0.3)
    limiter.leave()
    limiter.replied(-100_000)  # a call under way ends, and took far less than was thought
    limiter.leave()
    now = time.monotonic()
    await limiter.enter(10)
    assert time.monotonic() - now >= 0.25


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "Wed, 32 Foo 2026 99:99:99 GMT", "", "1; 2", "\u00b2"])
def test_a_retry_after_that_says_nothing_is_as_good_as_none(value, few, serve, here, tmp_path):
    turned_away = []

    def script(call):
        if not turned_away:
            turned_away.append(call)
            return Say(b"{}", 429, {"Retry-After": value})
        return good(call)

    assert here(few, serve(script), tmp_path / "run").summary["scored"] == few.count


def test_rpm_spaces_the_requests(few, serve, cli, args, tmp_path):
    """1,200 a minute are 50 ms apart, answers and judgements of one endpoint together."""
    server = serve(good)
    done = cli.run(*args(few, server, tmp_path / "run", "--rpm", 1200))
    assert done.status == 0, done.err
    assert len(server.calls) == few.calls
    gaps = [b.at - a.at for a, b in zip(server.calls, server.calls[1:], strict=False)]
    assert sum(gaps) >= 0.05 * len(gaps) - ON_THE_WAY
    assert sorted(gaps)[len(gaps) // 2] > 0.025
