import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.models.http.pace import Pace, backoff_seconds, retry_after_seconds


def test_additive_increase_multiplicative_decrease():
    async def story() -> list[float]:
        pace, limits = Pace(32), []
        for overloaded in (False, False, True, None, True, True, True, False):
            entered = await pace.enter()
            await asyncio.sleep(0.001)
            await pace.leave(entered, overloaded=overloaded)
            limits.append(pace.limit)
        return limits

    grown = 8 + 1 / 8
    grown += 1 / grown
    shrunk = [grown / 2, grown / 2, grown / 4, grown / 8, 1.0 + (grown / 16 - 1 if grown > 16 else 0)]
    assert asyncio.run(story()) == pytest.approx([8.125, grown, *shrunk, shrunk[-1] + 1 / shrunk[-1]])


def test_one_burst_shrinks_once():
    async def story() -> float:
        pace = Pace(8)
        entered = [await pace.enter() for _ in range(8)]
        await asyncio.sleep(0.001)
        for each in entered:
            await pace.leave(each, overloaded=True)
        return pace.limit

    assert asyncio.run(story()) == 4


def test_it_grows_to_its_bound_only():
    async def story() -> float:
        pace = Pace(9)
        for _ in range(100):
            await pace.leave(await pace.enter(), overloaded=False)
        return pace.limit

    assert asyncio.run(story()) == 9
    assert Pace(2).limit == 2


def test_those_cancelled_while_they_wait_hold_nobody_up():
    async def story() -> bool:
        pace = Pace(1)
        first = await pace.enter()
        waiting = [asyncio.create_task(pace.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        await pace.leave(first, overloaded=False)
        await asyncio.wait_for(waiting[2], timeout=5)
        return True

    assert asyncio.run(story())


@given(attempt=st.integers(1, 40), key=st.integers())
def test_waits_double_and_are_shortened_by_a_half_at_most(attempt, key):
    wait = backoff_seconds(attempt, first=0.5, longest=60.0, key=key)
    whole = min(60.0, 0.5 * 2 ** (attempt - 1))

    assert whole / 2 <= wait <= whole
    assert wait == backoff_seconds(attempt, first=0.5, longest=60.0, key=key)


def test_requests_that_failed_together_come_back_apart():
    assert len({backoff_seconds(1, first=1.0, longest=60.0, key=key) for key in range(50)}) == 50


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after(value, seconds):
    now = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
    assert retry_after_seconds({"retry-after": value}, now=now) == seconds
    assert retry_after_seconds({}, now=now) is None
