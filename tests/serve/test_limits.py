import pytest

from pluralign.serve.limits import MOST_CLIENTS, Places, Rates
from pluralign.serve.refusals import GatewayError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_a_minute_and_fills_evenly():
    clock = Clock()
    rates = Rates(clock=clock)
    for _ in range(6):
        rates.take("a", per_minute=6)
    with pytest.raises(GatewayError) as caught:
        rates.take("a", per_minute=6)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "10")
    rates.take("b", per_minute=6)
    clock.now = 9.9
    with pytest.raises(GatewayError) as caught:
        rates.take("a", per_minute=6)
    assert caught.value.headers["Retry-After"] == "1"
    clock.now = 10.0
    rates.take("a", per_minute=6)


def test_it_never_holds_more_than_a_minute_brings():
    clock = Clock()
    rates = Rates(clock=clock)
    rates.take("a", per_minute=2)
    clock.now = 86400.0
    rates.take("a", per_minute=2)
    rates.take("a", per_minute=2)
    with pytest.raises(GatewayError):
        rates.take("a", per_minute=2)


def test_workers_share_a_rate_out_and_without_a_rate_nothing_is_counted():
    rates = Rates(n_workers=2, clock=Clock())
    for _ in range(3):
        rates.take("a", per_minute=6)
    with pytest.raises(GatewayError, match="More than 6 requests a minute"):
        rates.take("a", per_minute=6)
    for _ in range(100):
        rates.take("b", per_minute=None)


def test_clients_that_are_remembered_are_bounded():
    rates = Rates(clock=Clock())
    for number in range(MOST_CLIENTS + 5):
        rates.take(str(number), per_minute=1)
    assert len(rates._buckets) == MOST_CLIENTS


def test_a_place_is_given_back_whatever_happens():
    places = Places(1)

    def fails():
        with places.one():
            raise ValueError("x")

    def two():
        with places.one(), places.one():
            pass

    with pytest.raises(ValueError, match="x"):
        fails()
    with pytest.raises(GatewayError) as caught:
        two()
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "1")
    assert places.taken == 0
