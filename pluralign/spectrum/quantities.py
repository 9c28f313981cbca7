"""Families whose outcomes are numbers: ranges, dice, counts, waiting times, measurements, ranks.

Each family draws its parameters from a generator and words the process from vague to fully specified; every
wording is true of the process.
"""

from collections.abc import Sequence
from math import comb

import numpy as np

from pluralign.spectrum.process import Process, finite, pick

_COUNTABLE_EVENTS = (
    ("calls to a help desk in an hour", "calls"),
    ("e-mails before lunch", "e-mails"),
    ("goals in a match", "goals"),
    ("buses passing in half an hour", "buses"),
    ("typing mistakes on a page", "mistakes"),
    ("customers in a quarter of an hour", "customers"),
    ("shooting stars seen in a night", "shooting stars"),
    ("births in a day at a clinic", "births"),
    ("cars at a crossing during one red light", "cars"),
    ("flaws in a bolt of cloth", "flaws"),
)
_TRIALS = (
    ("free throws", "hit"),
    ("seeds", "sprouted"),
    ("phone calls", "answered"),
    ("parcels", "delivered on the first try"),
    ("darts", "in the inner ring"),
    ("exam questions", "answered correctly"),
    ("visitors", "bought a ticket"),
    ("patients", "recovered within a week"),
)
_WAITS = (
    ("throws until the first hit", "throw hits"),
    ("calls until somebody answers", "call is answered"),
    ("tickets bought until the first win", "ticket wins"),
    ("attempts until the engine starts", "attempt works"),
    ("fish caught until the first trout", "fish is a trout"),
    ("doors knocked on until one opens", "door opens"),
)
_MEASURES = (
    ("height of an adult", "cm", 170.0, 8.0),
    ("weight of an apple", "g", 180.0, 25.0),
    ("morning temperature", "degrees", 9.0, 5.0),
    ("time to cycle to work", "minutes", 24.0, 4.0),
    ("score in a test", "points", 62.0, 12.0),
    ("length of a nail", "mm", 50.0, 0.6),
    ("daily steps", "steps", 7200.0, 1900.0),
    ("price of a meal", "euros", 17.0, 4.0),
    ("a quantity", "units", 0.0, 10.0),
)
_LOTS = (
    ("light bulbs", "faulty"),
    ("eggs", "cracked"),
    ("raffle tickets", "winning"),
    ("jurors", "left-handed"),
    ("cards", "red"),
    ("screws", "bent"),
    ("apples", "rotten"),
)


def _numbers(values: Sequence[int], weights: Sequence[float], texts: Sequence[str]) -> Process:
    return finite({str(value): float(w) for value, w in zip(values, weights, strict=True)}, texts)


def integers(rng: np.random.Generator) -> Process:
    """A whole number from a range, all equally likely."""
    kind = rng.random()
    if kind < 0.7:
        low = int(rng.choice([0, 1, int(rng.integers(-20, 1000))]))
        high = low + int(rng.choice([rng.integers(1, 12), rng.integers(5, 30), rng.integers(20, 120)]))
        texts = [
            "Random numbers",
            f"An integer between {low} and {high}, please, any of them. Write only the number.",
            f"A whole number from {low} to {high}, all equally likely",
            f"Think of a number from {low} to {high}.",
            f"uniform random integer, min {low}, max {high}, both included",
            f"randint({low}, {high})",
            f"Lottery machine with balls numbered {low} to {high}; the ball goes back after each draw.",
            f"Which page? The book section runs from page {low} to page {high}, opened at random.",
        ]
        values = list(range(low, high + 1))
    else:
        step = int(rng.choice([2, 3, 5, 10]))
        low = step * int(rng.integers(0, 10))
        high = low + step * int(rng.integers(2, 20))
        texts = [
            f"A random multiple of {step} from {low} to {high}",
            f"Numbers {low}, {low + step}, ... up to {high} in steps of {step}, each equally likely",
        ]
        values = list(range(low, high + 1, step))
    return _numbers(values, [1.0] * len(values), texts)


def tickets(rng: np.random.Generator) -> Process:
    """A number from a short list that is written out: all alike, or each on so many tickets."""
    size = int(rng.integers(2, 11))
    top = int(rng.choice([30, 100, 1000]))
    values = [int(value) for value in rng.choice(np.arange(1, top), size=size, replace=False)]
    if rng.random() < 0.6:
        listed = ", ".join(map(str, values))
        texts = [
            f"One of these numbers at random: {listed}",
            f"House numbers on the street: {listed}. A letter is for a random house.",
            f"Draw a slip and put it back. The slips say {listed}.",
            f"Seats still free: {listed}. The computer gives you any of them, each equally likely.",
        ]
        weights = [1] * size
    else:
        weights = [int(rng.integers(1, bound + 1)) for bound in rng.integers(1, 13, size=size)]
        listed = ", ".join(f"{weight} x {value}" for weight, value in zip(weights, values, strict=True))
        texts = [
            f"Raffle tickets by number: {listed}. Draw one.",
            f"Shoe box with {sum(weights)} slips of paper: {listed}. What is on the slip you take?",
            f"How often each number is in the pile: {listed}. Turn one up.",
        ]
    texts.append("A number out of a short list")
    return finite({str(v): float(w) for v, w in zip(values, weights, strict=True)}, texts, rng=rng)


# Things that carry a number: how they are introduced, and what is asked.
_NUMBERED = (
    ("A lift stops at floors {low} to {high}.", "On which floor does the next passenger get out?"),
    ("The lockers are numbered {low} to {high}.", "Which one is assigned to a new member at random?"),
    ("A hotel has rooms {low} to {high}.", "Which room does a guest get, if any may be given?"),
    ("Bus lines {low} to {high} stop here equally often.", "Which line comes next?"),
    ("The houses on the street have numbers {low} to {high}.", "At which one does the cat sleep tonight?"),
    ("An album has tracks {low} to {high}, played in shuffle mode.", "Which track is played first?"),
    ("The theatre row has seats {low} to {high}.", "Which seat is on a ticket bought blindly?"),
    ("A book has chapters {low} to {high}.", "At which chapter does it fall open?"),
    ("The station has platforms {low} to {high}, all used alike.", "From which platform does a train leave?"),
    ("The players wear shirts {low} to {high}.", "Who is drawn for the doping test? Give the shirt number."),
    ("The exam has questions {low} to {high}.", "Which one is marked twice, chosen by lot?"),
    ("The restaurant's tables are {low} to {high}.", "Which table is served first, picked blindly?"),
    ("Swimmers are given lanes {low} to {high} by lot.", "Which lane does the first swimmer get?"),
    ("The calendar page shows days {low} to {high}.", "On which day does a dart land?"),
    ("Boxes {low} to {high} are closed, and the prize is in any of them.", "Where is it?"),
    ("There are teams {low} to {high}.", "Which team begins, decided by lot?"),
)


def numbered(rng: np.random.Generator) -> Process:
    """One of the things with the numbers from low to high, all alike."""
    low = 1 if rng.random() < 0.6 else int(rng.choice([0, 2, 3, 5, 11, 21, 101, int(rng.integers(4, 60))]))
    high = low + int(rng.choice([rng.integers(1, 10), rng.integers(4, 20), rng.integers(10, 32)]))
    things, question = _NUMBERED[int(rng.integers(len(_NUMBERED)))]
    things = things.format(low=low, high=high)
    texts = [
        f"{things} {question}",
        f"{things} {question} Answer with the number only.",
        f"{question} {things} Each is equally likely.",
        f"{things} Each number has probability 1/{high - low + 1}. {question}",
        f"{things} One of them, at random:",
    ]
    return _numbers(list(range(low, high + 1)), [1.0] * (high - low + 1), texts)


def dice(rng: np.random.Generator) -> Process:
    """One die with any number of sides, or the sum of several."""
    sides = int(rng.choice([4, 6, 6, 6, 8, 10, 12, 20, int(rng.integers(3, 31))]))
    n = 1 if rng.random() < 0.6 else int(rng.integers(2, 4))
    sums = np.array([1.0])
    for _ in range(n):
        sums = np.convolve(sums, np.ones(sides) / sides)
    texts = ["Dice rolls", f"{n}d{sides}"]
    if n == 1:
        texts += [
            f"Roll a fair {sides}-sided die.",
            f"A die with sides 1 to {sides} is thrown. Which number is up?",
            f"The result of one throw of a fair die with {sides} sides",
        ]
    else:
        texts += [
            f"Roll {n} fair {sides}-sided dice and add them up.",
            f"The sum of {n} throws of a die with sides 1 to {sides}",
            f"Total of {n} dice, each fair, each with {sides} sides",
        ]
    return _numbers(range(n, n * sides + 1), list(sums), texts)


def binomial(rng: np.random.Generator) -> Process:
    """How many of n independent trials succeed."""
    what, success = _TRIALS[int(rng.integers(len(_TRIALS)))]
    n, percent = int(rng.integers(2, 41)), int(rng.integers(2, 99))
    prob = percent / 100
    weights = [comb(n, k) * prob**k * (1 - prob) ** (n - k) for k in range(n + 1)]
    texts = [
        f"How many of the {n} {what}: {success}?",
        f"{n} {what}, each {success} with probability {prob:g}, independently. How many in all?",
        f"Binomial(n={n}, p={prob:g})",
        f"Out of {n} {what}, {percent}% on average: {success}. The number in one round of {n}, chance alone:",
        f"Number of successes in {n} tries with a {percent}% chance each",
    ]
    return _numbers(range(n + 1), weights, texts)


def poisson(rng: np.random.Generator) -> Process:
    """How many independent events fall into a stretch of time or space."""
    what, unit = _COUNTABLE_EVENTS[int(rng.integers(len(_COUNTABLE_EVENTS)))]
    rate = round(float(rng.choice([rng.uniform(0.2, 4), rng.uniform(2, 15), rng.uniform(10, 60)])), 1)
    texts = [
        f"Number of {what}",
        f"Number of {what}; on average there are {rate:g}.",
        f"Poisson(lambda={rate:g})",
        f"Counts of {unit}: they come independently of each other, {rate:g} on average.",
        f"The mean number of {what} is {rate:g}. How many {unit} were there this time? (Poisson)",
    ]
    return Process(
        descriptions=tuple(texts),
        draw=lambda generator, n: [str(value) for value in generator.poisson(rate, size=n)],
    )


def geometric(rng: np.random.Generator) -> Process:
    """How many trials it takes until the first success, that one included."""
    what, success = _WAITS[int(rng.integers(len(_WAITS)))]
    percent = int(rng.integers(3, 96))
    prob = percent / 100
    texts = [
        f"Number of {what}",
        f"Number of {what}, the last one included. Each {success} with probability {prob:g}.",
        f"Geometric(p={prob:g}), support 1, 2, 3, ...",
        f"Each {success} in {percent}% of cases. {what.capitalize()}, counting the last:",
        f"Tries needed for the first success, with a {percent} percent chance at each try",
    ]
    return Process(
        descriptions=tuple(texts),
        draw=lambda generator, n: [str(value) for value in generator.geometric(prob, size=n)],
    )


def normal(rng: np.random.Generator) -> Process:
    """A measurement with mean and standard deviation, rounded."""
    what, unit, mean, deviation = _MEASURES[int(rng.integers(len(_MEASURES)))]
    scale = float(np.exp(rng.uniform(-0.7, 0.7)))
    digits = int(rng.integers(0, 3))
    sd = max(float(f"{deviation * scale:.2g}"), 10.0**-digits)
    mu = round(mean + float(rng.normal()) * deviation, digits)
    centre = f"{mu:.{digits}f}"
    places = "whole numbers" if digits == 0 else f"{digits} decimal place{'s' * (digits > 1)}"
    texts = [
        f"{what.capitalize()} in {unit}",
        f"{what.capitalize()} in {unit}: mean {centre}, standard deviation {sd:g}",
        f"Normal distribution, mean {centre}, sd {sd:g}, rounded to {places}",
        f"x ~ N({centre}, {sd:g}^2), {places}",
        f"Measurements of the {what} ({unit}). They scatter around {centre}; about two thirds lie "
        f"within {sd:g} of it. Bell curve, {places}.",
    ]

    def draw(generator: np.random.Generator, n: int) -> list[str]:
        # Adding zero turns a rounded -0.0 into 0.0.
        return [f"{round(float(x), digits) + 0.0:.{digits}f}" for x in generator.normal(mu, sd, size=n)]

    return Process(descriptions=tuple(texts), draw=draw)


def zipf(rng: np.random.Generator) -> Process:
    """A rank from 1 to n, rank r with probability proportional to r^-s."""
    n = int(rng.integers(3, 101))
    exponent = round(float(rng.uniform(0.5, 2.5)), 1)
    things = pick(rng, ("songs", "books", "words", "web pages", "cities", "shops", "names", "videos"))
    texts = [
        f"Popularity rank of the next of {n} {things}",
        f"Zipf distribution over ranks 1 to {n}, exponent {exponent:g}",
        f"{n} {things} ranked by popularity. Rank r is chosen with probability proportional to "
        f"1/r^{exponent:g}. Which rank is chosen?",
        f"A number k from 1 to {n}, weight k**-{exponent:g}",
        f"Rank 1 of the {n} {things} is the most popular, with {2**exponent:.3g} times the weight of rank 2 "
        f"(Zipf's law with exponent {exponent:g}). A random pick has rank",
    ]
    return _numbers(range(1, n + 1), [rank**-exponent for rank in range(1, n + 1)], texts)


def hypergeometric(rng: np.random.Generator) -> Process:
    """How many marked things are in a sample drawn without replacement from a lot."""
    what, marked = _LOTS[int(rng.integers(len(_LOTS)))]
    total = int(rng.integers(6, 61))
    good = int(rng.integers(1, total))
    n = int(rng.integers(2, min(total, 20)))
    lowest, highest = max(0, n - (total - good)), min(n, good)
    if lowest == highest:
        n, lowest, highest = 1, 0, 1
    values = range(lowest, highest + 1)
    weights = [comb(good, k) * comb(total - good, n - k) for k in values]
    texts = [
        f"How many {what} in the sample are {marked}?",
        f"A box of {total} {what}, {good} of them {marked}. Take out {n} without looking. How many are {marked}?",
        f"Hypergeometric: population {total}, marked {good}, sample {n}",
        f"{good} out of {total} {what} are {marked}. In a random sample of {n}, drawn without replacement, "
        f"the number {marked} is",
        f"Number of {marked} ones among {n} of {total} {what} ({good} {marked} in all)",
    ]
    return _numbers(values, weights, texts)
