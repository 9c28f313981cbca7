"""A batch job: a population of value profiles answers a survey, every answer on disk at once; run again to resume.

python examples/survey_batch.py --model embedded --out runs/survey
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pluralign import Steerer
from pluralign.elicitation.replies import read_choice
from pluralign.errors import InterruptedRunError
from pluralign.models import LanguageModel, ScriptedModel, load_model
from pluralign.records import Outcome
from pluralign.steering import Steered

# A text and its options; invented for this example.
SURVEY = {
    "Should shops be open on Sundays?": ("Yes", "No", "Only some"),
    "Should a rich country take in more refugees?": ("Many more", "A few more", "No more"),
    "May a doctor lie to spare a patient?": ("Never", "Sometimes", "Yes"),
    "Who should care for old people first of all?": ("Their families", "The state", "They themselves"),
}
# Shares of the population: each answer is given by one profile, drawn by its share.
POPULATION = [("ethics-of-care", 0.4), ("schwartz-tradition", 0.35), ("utilitarianism", 0.25)]


def model_of(name: str) -> LanguageModel:
    """The model of a name; "scripted:uniform" picks options by chance, to see how the calls fit together."""
    if name != "scripted:uniform":
        return load_model(name)

    def pick(prompt: str, number: int) -> str:
        options = next(options for question, options in SURVEY.items() if question in prompt)
        return options[number % len(options)] if number % 10 else "I would rather not say."

    return ScriptedModel("scripted", draws=pick)


def asked(question: str, options: Sequence[str]) -> str:
    """A question as it is put to the model."""
    return f"{question}\nAnswer with one of these and nothing else: {'; '.join(options)}."


def tally(answers: Sequence[Steered]) -> None:
    """Print the shares of each question's options, and what could not be counted."""
    for number, (question, options) in enumerate(SURVEY.items()):
        own = [answer for answer in answers if answer.prompt == number]
        counts: Counter[str] = Counter()
        for answer in own:
            read = read_choice(answer.text, options) if answer.outcome is Outcome.OK else answer.outcome
            counts[read.value if isinstance(read, Outcome) else options[read]] += 1
        n_counted = sum(counts[option] for option in options)
        print(f"\n{question} n = {n_counted} of {len(own)}")
        for option in options:
            share = f"{counts[option] / n_counted:.2f}" if n_counted else "-"
            print(f"  {option}: {share}")
        if lost := {name: n for name, n in counts.items() if name not in options}:
            print(f"  not counted: {lost}")


def pull_the_plug(finished: int, planned: int) -> None:
    """Stop after the first step, as Ctrl-C would."""
    raise KeyboardInterrupt


def main() -> None:
    """Ask, be interrupted, go on, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="scripted:uniform")
    parser.add_argument("--people", type=int, default=40, help="answers to each question")
    parser.add_argument("--out", type=Path, default=Path("runs") / "survey_batch")
    arguments, _ = parser.parse_known_args()

    steerer = Steerer(model_of(arguments.model))
    job = partial(
        steerer.generate_many,
        [asked(question, options) for question, options in SURVEY.items()],
        profiles=[POPULATION],
        out=arguments.out,
        n=arguments.people,
        max_new_tokens=12,
    )
    try:
        job(progress=pull_the_plug)
    except InterruptedRunError as error:
        print(str(error).partition(".")[0])
    # The same call asks only what is missing.
    answers = job(progress=lambda finished, planned: print(f"{finished} of {planned} answered"))

    spoke = Counter(answer.profile_id for answer in answers)
    print(f"\n{len(answers)} answers: {', '.join(f'{name} {spoke[name]}' for name, _ in POPULATION)}")
    tally(answers)
    print(f"\nanswers: {arguments.out}")


if __name__ == "__main__":
    main()
