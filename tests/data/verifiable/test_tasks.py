"""The 22 tasks: what each takes for a right answer and what not, and how many there are."""

import pytest

from pluralign.data.verifiable import TASKS, chosen_tasks
from pluralign.data.verifiable.rules import is_prime
from pluralign.errors import ConfigurationError

RIGHT = {
    "rng_1_10": ["1", "10", "7"],
    "rng_1_100": ["1", "100", "42"],
    "random_seed": ["0", "4294967295", "1234"],
    "prime_numbers": ["2", "101", "7919", "67280421310721", "18446744073709551557"],
    "small_prime_numbers": ["2", "97"],
    "us_states_full_names": ["Texas", "New Hampshire", "Wyoming"],
    "us_states_abbreviations": ["TX", "NH"],
    "us_states_any_format": ["Texas", "TX"],
    "weekdays_full": ["Monday", "monday", "MONDAY"],
    "weekdays_abbreviated": ["Mon", "tue", "Thurs", "SUN"],
    "weekdays_any_format": ["Monday", "Mon", "weds"],
    "element_symbols": ["H", "Og", "Co"],
    "element_names": ["Hydrogen", "oganesson", "Aluminum", "Aluminium"],
    "us_phone_numbers": ["(206) 342-8631", "206-342-8631", "2063428631", "+1 206 342 8631", "1.206.342.8631"],
    "international_phone_numbers": [
        "+44 20 7946 0958",
        "+1 (206) 342-8631",
        "+4930123456",
        "+351 21 123 4567",
    ],
    "basic_emails": ["a@b.co", "Jane.Doe+news@Mail.Example.org", "x_1%y@a-b.net"],
    "professional_emails": ["j.doe@acme.com", "press@northriver.edu", "maria-lopez2@city.org"],
    "color_normal_ex": ["red", "Light Gray", "light grey", "blue-green"],
    "color_interesting_ex": ["burnt  sienna", "Chartreuse"],
    "car_make_model": ["Toyota Corolla", "ford f 150", "Mercedes-Benz C-Class", "VW Golf"],
    "car_brand": ["toyota", "Mercedes", "Mercedes-Benz", "Rolls Royce"],
    "claude_gerunds": ["Pondering", "noodling", "COOKING"],
}
WRONG = {
    "rng_1_10": ["0", "11", "07", "+7", "7.0", "seven", "7.", "\u0667", "", "-1", "1 2"],
    "rng_1_100": ["101", "007", "0"],
    "random_seed": ["4294967296", "-1", "007", "1e5", "99999999999999999999"],
    "prime_numbers": ["1", "0", "07", "4", "561", "3215031751", "341550071728321", "1" + "0" * 5000],
    "small_prime_numbers": ["101", "1", "02", "91"],
    "us_states_full_names": ["texas", "TEXAS", "TX", "Puerto Rico", "Texas."],
    "us_states_abbreviations": ["tx", "Tx", "PR", "Texas"],
    "us_states_any_format": ["texas", "tx", "DC"],
    "weekdays_full": ["mOnday", "Mon", "Mondays", "Lundi"],
    "weekdays_abbreviated": ["Monday", "M", "tUe"],
    "weekdays_any_format": ["Mo", "today"],
    "element_symbols": ["h", "CO", "Xx", "D"],
    "element_names": ["H", "Unobtainium", "hyDrogen"],
    "us_phone_numbers": [
        "106-342-8631",
        "206-142-8631",
        "911-342-8631",
        "206-342-863",
        "206342863112",
        "+44 20 7946 0958",
    ],
    "international_phone_numbers": [
        "44 20 7946 0958",
        "+999 123 4567",
        "+44",
        "+1234567890123456",
        "+44 20 CALL ME",
    ],
    "basic_emails": [
        "a@b",
        "a b@c.com",
        "a..b@c.com",
        ".a@b.com",
        "a@-b.com",
        "@b.com",
        "ä@b.com",
        "a@b.com, c@d.com",
    ],
    "professional_emails": ["jane@gmail.com", "xX_99_Xx@acme.com", "1234@acme.com", "j.doe"],
    "color_normal_ex": ["redd", "colour", "#ff0000", ""],
    "color_interesting_ex": ["a red", "burntsienna"],
    "car_make_model": ["Toyota", "Corolla", "Toyota Mustang", "2020 Toyota Corolla"],
    "car_brand": ["Corolla", "Toyota Corolla", "car"],
    "claude_gerunds": [
        "Morning",
        "ring",
        "Pondering...",
        "pon dering",
        "PonDering",
        "Ponder",
        "String",
        "Nothing",
        "ing",
    ],
}


@pytest.mark.parametrize(("task", "text"), [(task, text) for task, texts in RIGHT.items() for text in texts])
def test_right_answers(task, text):
    assert TASKS[task].read(text) is not None


@pytest.mark.parametrize(("task", "text"), [(task, text) for task, texts in WRONG.items() for text in texts])
def test_wrong_answers(task, text):
    assert TASKS[task].read(text) is None


def test_there_are_22_tasks_each_tried_both_ways():
    assert len(TASKS) == 22
    assert set(RIGHT) == set(WRONG) == set(TASKS)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.id)
def test_the_three_examples_are_right_and_differ(task):
    answers = [task.read(example) for example in task.examples]
    assert None not in answers
    assert len(set(answers)) == 3


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.id)
def test_a_canonical_form_is_a_right_answer_that_stands_for_itself(task):
    for text in RIGHT[task.id]:
        canonical = task.read(text)
        assert task.read(canonical) == canonical


def test_answers_that_differ_in_case_or_spelling_are_one():
    assert TASKS["weekdays_full"].read("MONDAY") == TASKS["weekdays_full"].read("Monday")
    assert TASKS["color_normal_ex"].read("Light Grey") == TASKS["color_normal_ex"].read("light gray")
    assert TASKS["element_names"].read("aluminum") == "Aluminium"
    assert TASKS["us_phone_numbers"].read("+1 (206) 342-8631") == "2063428631"
    assert TASKS["car_brand"].read("VW") == "Volkswagen"


@pytest.mark.parametrize(
    ("task", "n"),
    [
        ("rng_1_10", 10),
        ("small_prime_numbers", 25),
        ("random_seed", 2**32),
        ("us_states_full_names", 50),
        ("us_states_any_format", 100),
        ("weekdays_abbreviated", 7),
        ("weekdays_any_format", 14),
        ("element_symbols", 118),
        ("element_names", 118),
        ("prime_numbers", None),
    ],
)
def test_number_of_right_answers(task, n):
    assert TASKS[task].n_answers == n


def test_counted_answers_are_those_that_the_rule_takes():
    for task, candidates in (("rng_1_10", 200), ("rng_1_100", 200), ("small_prime_numbers", 200)):
        right = [number for number in range(candidates) if TASKS[task].read(str(number)) is not None]
        assert len(right) == TASKS[task].n_answers


def test_expected_number_of_different_answers_by_chance():
    assert TASKS["weekdays_full"].expected_by_chance(1) == pytest.approx(1)
    assert TASKS["rng_1_10"].expected_by_chance(2) == pytest.approx(1.9)  # 1 + 9/10
    assert TASKS["prime_numbers"].expected_by_chance(100) is None


def test_primes_against_a_sieve():
    sieve = [True] * 5000
    for number in range(2, 71):
        sieve[number * number :: number] = [False] * len(sieve[number * number :: number])
    assert [is_prime(number) for number in range(2, 5000)] == sieve[2:]


def test_tasks_are_chosen_in_their_own_order():
    assert [task.id for task in chosen_tasks(["car_brand", "rng_1_10"])] == ["rng_1_10", "car_brand"]
    assert len(chosen_tasks()) == 22
    with pytest.raises(ConfigurationError, match=r"Unknown task 'car_brands'.*car_brand"):
        chosen_tasks(["car_brands"])
