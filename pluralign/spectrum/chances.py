"""Families whose outcomes are words: coins, events, weighted lists, urns, draws from lists, letters.

Each family draws its parameters from a generator and words the process from vague to fully specified; every
wording is true of the process.
"""

import string
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import yaml

from pluralign.spectrum.process import Process, finite, percentages, pick, pick_some, without_replacement

COLOURS = ("red", "blue", "green", "yellow", "black", "white", "purple", "orange", "pink")

_COINS = ("coin", "penny", "token", "medal", "counter", "euro coin")
_COIN_SIDES = (("heads", "tails"), ("Heads", "Tails"), ("H", "T"), ("tails", "heads"), ("Tails", "Heads"))

# What may happen, the answer if it does, the answer if it does not.
_EVENTS = (
    ("it rains tomorrow", "rain", "no rain"),
    ("it rains tomorrow", "yes", "no"),
    ("the bus is late", "late", "on time"),
    ("the train arrives on time", "Yes", "No"),
    ("the home team wins", "win", "no win"),
    ("a visitor buys something", "buys", "leaves"),
    ("a seed sprouts", "sprouts", "does not sprout"),
    ("the parcel arrives today", "today", "later"),
    ("a customer orders dessert", "dessert", "no dessert"),
    ("a student passes the test", "pass", "fail"),
    ("the lift is out of order", "yes", "no"),
    ("a caller leaves a message", "message", "no message"),
    ("a light bulb is faulty", "faulty", "fine"),
    ("the cat wants to go out", "out", "in"),
    ("there is fog in the morning", "fog", "clear"),
    ("a patient keeps the appointment", "kept", "missed"),
    ("a guest eats meat", "Yes", "No"),
    ("a voter turns out", "votes", "stays home"),
    ("the goalkeeper saves a penalty", "saved", "goal"),
    ("a household owns a dog", "dog", "no dog"),
    ("the traffic light is green on arrival", "green", "red"),
    ("a statement on the quiz is true", "true", "false"),
    ("the road is icy", "icy", "not icy"),
    ("a ticket wins a prize", "prize", "nothing"),
)


@cache
def word_lists() -> Mapping[str, tuple[str, ...]]:
    """The shipped lists of everyday things: what one of them is called -> the items."""
    text = files("pluralign.spectrum").joinpath("word_lists.yaml").read_text(encoding="utf-8")
    return {name: tuple(items) for name, items in yaml.safe_load(text).items()}


def bernoulli(rng: np.random.Generator) -> Process:
    """A coin, fair in a third of the rows."""
    first, second = _COIN_SIDES[int(rng.integers(len(_COIN_SIDES)))]
    coin = pick(rng, _COINS)
    percent = 50 if rng.random() < 1 / 3 else int(rng.integers(1, 100))
    prob = percent / 100
    texts = [
        f"Throws of a {coin}",
        f"Flip a {coin} and say which side is up: {first} or {second}.",
        f"A {coin} that shows {first} {percent}% of the time",
        f"Toss of a {coin} with P({first}) = {prob:g} and P({second}) = {1 - prob:g}. Which side comes up?",
        f"On average {percent} out of 100 flips of this {coin} land on {first}. Flip it.",
        f"A {coin} is thrown. The chance of {first} is {percent} percent, of {second} {100 - percent} percent.",
    ]
    if percent == 50:
        texts += [
            f"Flip a fair {coin}.",
            f"Toss a fair {coin}: {first} or {second}?",
            f"Both sides of the {coin} are equally likely. Which one is up?",
        ]
    return finite({first: prob, second: 1 - prob}, texts, rng=rng)


def events(rng: np.random.Generator) -> Process:
    """Something happens or not, with a stated chance."""
    event, yes, no = _EVENTS[int(rng.integers(len(_EVENTS)))]
    percent = int(rng.integers(1, 100))
    texts = [
        f"Does it happen: {event}?",
        f"The chance that {event} is {percent}%. What happens?",
        f"In {percent} of 100 cases {event} (answer {yes}), otherwise the answer is {no}.",
        f"P({event}) = {percent / 100:g}; write {yes} or {no}.",
        f"Past records: {event} {percent} percent of the time, and not so {100 - percent} percent of the time.",
        f"{yes}: {percent}%\n{no}: {100 - percent}%",
        f"It is {100 - percent} percent likely to be {no} and {percent} percent likely to be {yes}.",
    ]
    return finite({yes: percent / 100, no: 1 - percent / 100}, texts, rng=rng)


def categorical(rng: np.random.Generator) -> Process:
    """A few things with stated shares: percentages, counts, weights, or all alike."""
    thing = pick(rng, list(word_lists()))
    pool = word_lists()[thing]
    k = int(rng.integers(2, min(8, len(pool)) + 1))
    items = pick_some(rng, pool, n=k)
    kind = rng.random()
    if kind < 0.45:
        weights = percentages(rng, k)
        texts = _percent_texts(thing, items, weights)
    elif kind < 0.85:
        weights = [int(rng.integers(1, bound + 1)) for bound in rng.integers(1, 21, size=k)]
        texts = _count_texts(thing, items, weights)
    else:
        weights = [1] * k
        listed = ", ".join(items)
        texts = [
            f"Pick one at random, each equally likely: {listed}",
            f"A fair spinner with {k} equal sections: {listed}. Where does it stop?",
            f"Choose a {thing} uniformly at random from {listed}.",
            f"Names drawn from a hat and put back, one slip each: {listed}",
        ]
    texts.append(f"Random draws, always some {thing}")
    return finite(dict(zip(items, weights, strict=True)), texts, rng=rng)


def _percent_texts(thing: str, items: list[str], weights: list[int]) -> list[str]:
    pairs = list(zip(items, weights, strict=True))
    listed = ", ".join(f"{item} {weight}%" for item, weight in pairs)
    brackets = ", ".join(f"{item} ({weight}%)" for item, weight in pairs)
    probs = ", ".join(f"P({item}) = {weight / 100:g}" for item, weight in pairs)
    lines = "\n".join(f"{item}: {weight}%" for item, weight in pairs)
    return [
        f"A spinner has these sections: {brackets}. Spin it.",
        f"Market shares: {listed}. What did a random buyer choose?",
        f"Asked for a favourite {thing}, people answered: {brackets}. The answer of one person:",
        f"Draw from this distribution. {probs}",
        f"Word weights\n{lines}",
        f"Of 100 people, so many chose each {thing}:\n{lines.replace('%', '')}\nOne of them chose",
        "A machine gives out " + ", ".join(f"{item} with probability {w / 100:g}" for item, w in pairs) + ".",
    ]


def _count_texts(thing: str, items: list[str], weights: list[int]) -> list[str]:
    pairs = list(zip(items, weights, strict=True))
    listed = ", ".join(f"{weight} x {item}" for item, weight in pairs)
    votes = ", ".join(f"{item} {weight}" for item, weight in pairs)
    lines = "\n".join(f"{item}: {weight}" for item, weight in pairs)
    total = sum(weights)
    fractions = ", ".join(f"{item} {weight}/{total}" for item, weight in pairs)
    return [
        f"A stack of {total} cards holds {listed}. Shuffle and turn over the top card.",
        f"Votes for the best {thing}: {votes}. What did a randomly chosen voter vote for?",
        f"Tally\n{lines}\nPick one mark at random and say what it stands for.",
        f"Relative weights: {votes}",
        f"A prize wheel with {total} equal fields: {listed}. Spin the wheel.",
        f"Shares: {fractions}. Draw one.",
        f"A basket holds {listed}, well mixed. Take one without looking. Which {thing} is it?",
        f"The following are shuffled together: {listed}. One is picked at random: which {thing}?",
        f"On the list of {total} entries stand {listed}. A random entry says",
        f"{total} tickets went into the raffle, each marked with some {thing}: {listed}. The winning ticket says",
    ]


# Things of several colours: what there is, and what is asked; {pairs} is "3 red, 1 blue".
_COLOURED = (
    ("Cars in the car park by colour: {pairs}.", "What colour is the next car to leave?"),
    ("Socks in the drawer: {pairs}.", "You take one in the dark. Its colour?"),
    ("The paint tins on the shelf: {pairs}.", "Somebody grabs one with closed eyes. Which colour?"),
    ("Coats on the rack: {pairs}.", "The first guest to go takes a coat of which colour?"),
    ("T-shirts in the laundry: {pairs}.", "Pull one out. Colour?"),
    ("Roses in the bunch: {pairs}.", "One of them wilts first. What colour is it?"),
    ("Pencils in the case: {pairs}.", "Which colour does a child pick blindly?"),
    ("Flags along the street: {pairs}.", "The wind takes one away. Which colour?"),
    ("Umbrellas left on the bus: {pairs}.", "One is handed back by chance. Say its colour."),
    ("Front doors in our street: {pairs}.", "A visitor knocks at a random one. What colour is the door?"),
    ("Beads on a broken necklace: {pairs}.", "Name the colour of the bead that rolled away."),
    ("Buses of the fleet: {pairs}.", "One is chosen by lot for inspection. What is its colour?"),
)


def coloured(rng: np.random.Generator) -> Process:
    """Things of 2 to 6 colours with stated numbers or shares, one of them taken by chance."""
    colours = pick_some(rng, COLOURS, n=int(rng.integers(2, 7)))
    if rng.random() < 0.7:
        weights = [int(rng.integers(1, bound + 1)) for bound in rng.integers(1, 13, size=len(colours))]
        parts = [f"{weight} {colour}" for weight, colour in zip(weights, colours, strict=True)]
    else:
        weights = percentages(rng, len(colours))
        parts = [f"{weight}% {colour}" for weight, colour in zip(weights, colours, strict=True)]
    things, question = _COLOURED[int(rng.integers(len(_COLOURED)))]
    things = things.format(pairs=", ".join(parts))
    texts = [
        f"{things} {question}",
        f"{question} {things}",
        f"{things} {question} Answer with the colour only.",
        f"{things} {question} Any of them is equally likely.",
    ]
    return finite(dict(zip(colours, map(float, weights), strict=True)), texts, rng=rng)


def urn(rng: np.random.Generator) -> Process:
    """Balls in an urn: 2 to 5 of nine colours, counts U{1..bound} with bound U{1..10}."""
    colours = pick_some(rng, COLOURS, n=int(rng.integers(2, 6)))
    counts = [int(rng.integers(1, bound + 1)) for bound in rng.integers(1, 11, size=len(colours))]
    pairs = list(zip(counts, colours, strict=True))
    balls = ", ".join(f"{count} {colour} ball{'s' * (count > 1)}" for count, colour in pairs)
    short = ", ".join(f"{count} {colour}" for count, colour in pairs)
    texts = [
        "The colour of a ball drawn from an urn",
        f"There is an urn with the following balls shuffled together: {balls}. "
        "Draw a ball at random, and tell me the color (lowercase).",
        f"An urn contains {balls}. One ball is drawn. Which colour is it?",
        f"Urn: {short}. Draw with replacement.",
    ]
    return finite(dict(zip(colours, counts, strict=True)), texts, rng=rng)


def lists(rng: np.random.Generator) -> Process:
    """Everyday things drawn from a list, each at most once, or each time anew."""
    thing = pick(rng, list(word_lists()))
    pool = word_lists()[thing]
    items = pick_some(rng, pool, n=int(rng.integers(4, len(pool) + 1)))
    listed = ", ".join(items)
    if rng.random() < 0.5:
        texts = [
            f"Name a {thing}.",
            f"Choose one at random: {listed}",
            f"A random {thing} from this list, all equally likely: {listed}",
            f"Uniform draws with replacement from: {listed}",
        ]
        return finite(dict.fromkeys(items, 1.0), texts)
    texts = [
        f"Name a {thing}. None twice.",
        f"Draw from this list without replacement: {listed}",
        f"A random order of the following.\n{listed}",
        f"One {thing} after the other, without replacement, from {len(items)} in all: {listed}",
        f"Pick a {thing} at random from {listed}, without replacement.",
    ]
    return without_replacement(items, texts)


def letters(rng: np.random.Generator) -> Process:
    """A letter of the alphabet, of a part of it, or of a word."""
    kind = rng.random()
    upper = rng.random() < 0.5
    if kind < 0.4:
        word = pick(rng, [item for items in word_lists().values() for item in items if item.isalpha()])
        spelled = word.upper() if upper else word.lower()
        texts = [
            f"A random letter of the word {spelled}",
            f'Pick one of the {len(spelled)} letters in "{spelled}", each place equally likely.',
            f"Letter tiles {' '.join(spelled)} lie face down. Turn one over.",
        ]
        return finite({letter: float(n) for letter, n in Counter(spelled).items()}, texts)
    alphabet = string.ascii_uppercase if upper else string.ascii_lowercase
    case = "capital" if upper else "lower-case"
    if kind < 0.7:
        start = int(rng.integers(0, 22))
        stop = int(rng.integers(start + 2, 27))
        pool = alphabet[start:stop]
        texts = [
            f"Choose a random {case} letter between {pool[0]} and {pool[-1]}.",
            f"Letters {pool[0]} to {pool[-1]}, uniform",
            f"A {case} letter drawn at random from {pool[0]}-{pool[-1]}",
        ]
        return finite(dict.fromkeys(pool, 1.0), texts)
    pool = "".join(sorted(pick_some(rng, alphabet, n=int(rng.integers(2, 9)))))
    texts = [
        f"One of the letters {', '.join(pool)}, all equally likely",
        f"Draw a tile at random. The tiles: {' '.join(pool)}",
        f"A multiple-choice sheet filled in at random with {', '.join(pool)}",
    ]
    return finite(dict.fromkeys(pool, 1.0), texts, rng=rng)
