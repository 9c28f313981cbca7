"""Three value profiles on the same questions, cell by cell: whose answers differ, where, and by how much.

python examples/three_profiles.py --model embedded, or run the cells one after the other in an editor that knows them.
"""

# %% What is compared
import argparse
from itertools import combinations

import numpy as np

from pluralign import Steerer
from pluralign.metrics import js_divergence_bits

PROFILES = ("ethics-of-care", "kantian-ethics", "utilitarianism")
QUESTIONS = {
    "May one lie to spare a friend's feelings?": ("Yes", "No", "It depends"),
    "Should a promise be kept when breaking it would help more people?": ("Yes", "No"),
    "A stranger and your brother are drowning. Whom do you save first?": ("My brother", "The stranger"),
}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", default="embedded")
arguments, _ = parser.parse_known_args()

# %% Every profile is admitted by the guard before a token is computed
# With one nonce the codes around the profiles are the same in every run, and so are the numbers below.
steerer = Steerer(arguments.model, nonce="three profiles")
print(f"{steerer.model.id}, steered by way of: {steerer.way}")

# %% What each answers: exact probabilities, over all cyclic orders of the options
found = {
    (question, profile): steerer.distribution(question, options=options, profile=profile)
    for question, options in QUESTIONS.items()
    for profile in PROFILES
}
for question, options in QUESTIONS.items():
    print(f"\n{question}")
    print(f"  {'':16}" + "".join(f"{option:>14}" for option in options) + f"{'valid mass':>14}")
    for profile in PROFILES:
        answer = found[question, profile]
        shares = "".join(f"{answer.by_option[option]:14.2f}" for option in options)
        print(f"  {profile:16}{shares}{answer.valid_mass_prob:14.2f}")

# %% How far apart the profiles are
# Without people's answers beside them these numbers say that the profiles move the model, not that they move it rightly:
# `pluralign eval run steerable/...` measures that.
distances = {
    pair: float(
        np.mean([
            js_divergence_bits(*(found[question, each].probabilities for each in pair))
            for question in QUESTIONS
        ])
    )
    for pair in combinations(PROFILES, 2)
}
print(f"\nMean Jensen-Shannon divergence over {len(QUESTIONS)} questions, bits")
for (first, second), distance in sorted(distances.items(), key=lambda each: -each[1]):
    print(f"  {first} and {second}: {distance:.3f}")

# %% The three as one population of equal shares
question, options = next(iter(QUESTIONS.items()))
population = steerer.distribution(question, options=options, profile=PROFILES)
print(f"\n{question}\n  all three: " + ", ".join(f"{o} {p:.2f}" for o, p in population.by_option.items()))
