"""Three value profiles in front of one model: their answers side by side, and the population that they make up.

python examples/steer_application.py --model embedded
"""

import argparse
from collections import Counter

from pluralign import Steerer
from pluralign.guard import ProfileRefused
from pluralign.models import LanguageModel, ScriptedModel, load_model
from pluralign.profiles import Provenance, Value, ValueProfile

QUESTION = "A colleague took credit for your work. What do you do?"
CHOICE = "Should a company tell its customers of a fault that nobody would find?"
OPTIONS = ("Yes, at once", "Only if asked", "No")
# Shares of a population; a group inside the company, say.
POPULATION = [("ethics-of-care", 0.5), ("kantian-ethics", 0.3), ("utilitarianism", 0.2)]
N_PEOPLE = 50
REFUSED = ValueProfile(
    id="warband",
    title="The band",
    summary="Invented for this example.",
    values=(Value(statement="Terrorism is justified for our holy cause.", weight=0.9),),
    provenance=Provenance(kind="curated", sources=("invented for this example",), licence="CC0-1.0"),
)


def model_of(name: str) -> LanguageModel:
    """The model of a name; "scripted:uniform" answers without any weights, to see how the calls fit together."""
    if name != "scripted:uniform":
        return load_model(name)
    return ScriptedModel("scripted", draws=lambda prompt, number: f"Answer {number % 1000}.")


def main() -> None:
    """Compare, simulate, refuse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="scripted:uniform")
    parser.add_argument("--max-new-tokens", type=int, default=60)
    arguments, _ = parser.parse_known_args()

    steerer = Steerer(model_of(arguments.model))
    print(f"{steerer.model.id}, steered by way of: {steerer.way}\n")

    print(f"{QUESTION}: one answer for each profile")
    for name, _ in POPULATION:
        (answer,) = steerer.generate(QUESTION, profile=name, max_new_tokens=arguments.max_new_tokens)
        print(f"  {name}: {answer.text.strip() or answer.outcome}")

    print(f"\n{CHOICE}: a population of three profiles")
    mixture = steerer.distribution(CHOICE, options=OPTIONS, profile=POPULATION)
    for option, probability in mixture.by_option.items():
        print(f"  {option}: {probability:.2f}")
    print(f"  valid mass {mixture.valid_mass_prob:.2f}")
    people = steerer.generate(CHOICE, profile=POPULATION, n=N_PEOPLE, max_new_tokens=8)
    spoke = Counter(person.profile_id for person in people)
    print(f"  of {N_PEOPLE} draws: {', '.join(f'{name} {spoke[name]}' for name, _ in POPULATION)}")

    try:
        steerer.generate(QUESTION, profile=REFUSED)
    except ProfileRefused as error:
        print(f"\n{REFUSED.id}: refused before anything was asked ({error.category}): {error.sentence}")


if __name__ == "__main__":
    main()
