"""The 22 tasks of valid output coverage (Sorensen et al. 2025, arXiv:2510.06084), descriptions and rules our own.

A rule gives the canonical form of a right answer, so that "red" and "Red" are one answer where case does not matter;
the published code counts distinct strings. Where its rule looked words up in a large list that must be downloaded
(colours, cars, verbs), `note` says what stands in its place here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.data.verifiable import lists, rules
from pluralign.errors import ConfigurationError, did_you_mean

_COLOUR_NOTE = f"a list of {len(lists.COLOURS)} colour names, shorter than the published one: what it lacks counts as wrong"
_CAR_NOTE = (
    f"a list of {len(lists.CAR_BRANDS)} brands and {sum(map(len, lists.CAR_MODELS.values()))} models, shorter than the "
    "published one: what it lacks counts as wrong"
)


@dataclass(frozen=True)
class VerifiableTask:
    """A task with many right answers.

    Attributes:
        id: Name, as published.
        description: What is asked for, in one line.
        examples: Three right answers.
        read: Canonical form of an answer, stripped of white space around it; None where it is wrong.
        max_new_tokens: Length of an answer at most. Some tokenizers take a token for every digit.
        n_answers: How many right answers there are, in canonical form; None where they cannot be counted off.
        note: Where the rule differs from the published one; empty where it does not.
    """

    id: str
    description: str
    examples: tuple[str, str, str]
    read: rules.Rule
    max_new_tokens: int
    n_answers: int | None = None
    note: str = ""

    def expected_by_chance(self, n: int) -> float | None:
        """Number of different answers that n uniform draws from all of them give on average; None if uncounted.

        Each of the K answers is missed with probability (1 - 1/K)^n.
        """
        if self.n_answers is None:
            return None
        return float(self.n_answers * (1 - (1 - 1 / self.n_answers) ** n))


def _closed(
    id: str,
    description: str,
    *,
    examples: tuple[str, str, str],
    answers: dict[str, str],
    max_new_tokens: int,
    note: str = "",
) -> VerifiableTask:
    """A task whose right answers are listed: what may be written -> canonical form."""
    return VerifiableTask(
        id, description, examples, answers.get, max_new_tokens, len(set(answers.values())), note
    )


def _caseless(
    id: str,
    description: str,
    *,
    examples: tuple[str, str, str],
    answers: Sequence[str],
    also: Mapping[str, str],
    note: str,
    max_new_tokens: int,
) -> VerifiableTask:
    """The same where case, hyphens and repeated spaces do not matter."""
    read = rules.one_of(answers, also=also)
    return VerifiableTask(id, description, examples, read, max_new_tokens, len(set(answers)), note)


_STATE_NAMES = {name: name for name in lists.US_STATES}
_STATE_CODES = {code: code for code in lists.US_STATES.values()}

_ALL = (
    VerifiableTask(
        "rng_1_10", "A random integer from 1 to 10", ("7", "2", "10"), rules.whole_number(1, 10), 8, 10
    ),
    VerifiableTask(
        "rng_1_100", "A random integer from 1 to 100", ("42", "87", "5"), rules.whole_number(1, 100), 8, 100
    ),
    VerifiableTask(
        "random_seed",
        "A seed for a random number generator: a whole number below 2^32",
        ("1234", "3088541907", "77"),
        rules.whole_number(0, 2**32 - 1),
        16,
        2**32,
    ),
    VerifiableTask(
        "prime_numbers",
        "A prime number",
        ("13", "101", "7919"),
        rules.prime_below(rules.PRIME_LIMIT),
        16,
        note=f"numbers from {rules.PRIME_LIMIT:.0e} on count as wrong",
    ),
    VerifiableTask(
        "small_prime_numbers",
        "A prime number below 100",
        ("13", "2", "89"),
        rules.prime_below(100),
        8,
        25,
    ),
    _closed(
        "us_states_full_names",
        "The full name of a state of the USA",
        examples=("Ohio", "New Mexico", "Maine"),
        answers=_STATE_NAMES,
        max_new_tokens=12,
    ),
    _closed(
        "us_states_abbreviations",
        "The two-letter postal abbreviation of a state of the USA",
        examples=("OH", "NM", "ME"),
        answers=_STATE_CODES,
        max_new_tokens=8,
    ),
    _closed(
        "us_states_any_format",
        "A state of the USA, by its full name or its postal abbreviation",
        examples=("Ohio", "NM", "Maine"),
        answers=_STATE_NAMES | _STATE_CODES,
        max_new_tokens=12,
    ),
    _closed(
        "weekdays_full",
        "The full name of a day of the week",
        examples=("Tuesday", "Sunday", "Friday"),
        answers=rules.cased({day: day for day in lists.WEEKDAYS}),
        max_new_tokens=8,
    ),
    _closed(
        "weekdays_abbreviated",
        "The abbreviation of a day of the week",
        examples=("Tue", "Sun", "Fri"),
        answers=rules.cased(lists.WEEKDAY_ABBREVIATIONS),
        max_new_tokens=8,
    ),
    _closed(
        "weekdays_any_format",
        "A day of the week, by its full name or an abbreviation",
        examples=("Tuesday", "Sun", "Friday"),
        answers=rules.cased({day: day for day in lists.WEEKDAYS} | lists.WEEKDAY_ABBREVIATIONS),
        max_new_tokens=8,
    ),
    _closed(
        "element_symbols",
        "The symbol of a chemical element",
        examples=("He", "Fe", "O"),
        answers={symbol: symbol for symbol in lists.ELEMENTS},
        max_new_tokens=8,
    ),
    _closed(
        "element_names",
        "The name of a chemical element",
        examples=("Helium", "Iron", "Oxygen"),
        answers=rules.cased({name: name for name in lists.ELEMENTS.values()} | lists.ELEMENT_SPELLINGS),
        max_new_tokens=12,
    ),
    VerifiableTask(
        "us_phone_numbers",
        "A phone number in the USA",
        ("(206) 342-8631", "717-550-1675", "+1 248 762 0356"),
        rules.us_phone_number,
        24,
        note="the form of the North American Numbering Plan; whether a number is in use is not looked up",
    ),
    VerifiableTask(
        "international_phone_numbers",
        "A phone number with its country code",
        ("+44 20 7946 0958", "+81 3-1234-5678", "+1 415 555 0132"),
        rules.international_phone_number,
        28,
        note="a country code in use and 7 to 15 digits in all (E.164); the numbering of each country is not looked up",
    ),
    VerifiableTask(
        "basic_emails",
        "An email address",
        ("jane.doe@example.com", "rk1987@mail.org", "info@garden-club.net"),
        rules.email_address,
        32,
    ),
    VerifiableTask(
        "professional_emails",
        "The email address of somebody at work, such as a company or an institution gives",
        ("j.doe@acme.com", "maria.lopez@cityhospital.org", "press@northriver.edu"),
        rules.professional_email_address,
        32,
        note="an address made of names, not at a provider of free mail",
    ),
    _caseless(
        "color_normal_ex",
        "A color",
        examples=("red", "blue", "green"),
        answers=lists.COLOURS,
        also=lists.COLOUR_SPELLINGS,
        max_new_tokens=12,
        note=_COLOUR_NOTE,
    ),
    _caseless(
        "color_interesting_ex",
        "A color",
        examples=("burnt sienna", "periwinkle", "chartreuse"),
        answers=lists.COLOURS,
        also=lists.COLOUR_SPELLINGS,
        max_new_tokens=12,
        note=_COLOUR_NOTE,
    ),
    _caseless(
        "car_make_model",
        "The make and model of a car",
        examples=("Toyota Corolla", "Ford Mustang", "Tesla Model 3"),
        answers=[f"{brand} {model}" for brand, models in lists.CAR_MODELS.items() for model in models],
        also={
            f"{alias} {model}": f"{brand} {model}"
            for alias, brand in lists.CAR_ALIASES.items()
            for model in lists.CAR_MODELS[brand]
        },
        max_new_tokens=16,
        note=_CAR_NOTE,
    ),
    _caseless(
        "car_brand",
        "A car brand",
        examples=("Toyota", "Ford", "Volvo"),
        answers=lists.CAR_BRANDS,
        also=lists.CAR_ALIASES,
        max_new_tokens=12,
        note=_CAR_NOTE,
    ),
    VerifiableTask(
        "claude_gerunds",
        "A single playful word ending in -ing, such as a program shows while it is busy",
        ("Pondering", "Noodling", "Percolating"),
        rules.gerund,
        12,
        note="a rule on the form of the word; the published one looked its verb up in a list",
    ),
)

TASKS = {task.id: task for task in _ALL}


def chosen_tasks(names: Sequence[str] = ()) -> tuple[VerifiableTask, ...]:
    """The tasks of these names, in their own order; all for none.

    Raises:
        ConfigurationError: An unknown task.
    """
    for name in names:
        if name not in TASKS:
            raise ConfigurationError(f"Unknown task {name!r}.{did_you_mean(name, TASKS)}")
    return tuple(task for task in _ALL if not names or task.id in names)
