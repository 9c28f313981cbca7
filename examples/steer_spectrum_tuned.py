"""Steering a spectrum-tuned model: the profile is its description, a person's known answers are its first outputs.

python examples/steer_spectrum_tuned.py                       tunes the embedded model for a few steps first
python examples/steer_spectrum_tuned.py --adapter runs/tuned  takes what `pluralign train run` made
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pluralign import Steerer
from pluralign.elicitation.replies import read_choice
from pluralign.models import Capability, LanguageModel, Message, ScriptedModel, load_model
from pluralign.quickstart import default_recipe
from pluralign.records import Outcome
from pluralign.spectrum import build_sequences, train

PROFILE = "schwartz-tradition"
OPTIONS = ("Agree", "Neither", "Disagree")
# What one person said before: invented for this example.
KNOWN = (
    ("Church bells may ring at seven.", "Agree"),
    ("Shops may open on Sundays.", "Disagree"),
    ("Old customs should be kept.", "Agree"),
)
ASKED = "A wedding should be held in church."


def wording(statement: str) -> str:
    """A statement as it is put to the person."""
    return f"{statement} {', '.join(OPTIONS)}?"


def tuned(n_steps: int, folder: Path) -> LanguageModel:
    """The embedded model, spectrum-tuned on processes and people's background answers; too shortly to be good at it."""
    recipe = default_recipe().model_copy(
        update={
            "tasks": {"categorical": 40, "coloured": 20},
            "surveys": {},
            "n_steps": n_steps,
            "batch_size": 4,
            "device_batch_size": 4,
        }
    )

    def show(step: int, planned: int, loss: float) -> None:
        print(f"  step {step} of {planned}: {loss:.2f} nats a supervised token")

    result = train(recipe, sequences=build_sequences(recipe), output_dir=folder, progress=show)
    return load_model(str(result.path))


def scripted() -> LanguageModel:
    """No model: it says again what the person said last, to see how the calls fit together."""

    def again(prompt: str, number: int) -> str:
        said = [line.removeprefix("output: ") for line in prompt.splitlines() if line.startswith("output: ")]
        return said[-1] if said else OPTIONS[number % len(OPTIONS)]

    can = frozenset({Capability.SAMPLE, Capability.CHAT, Capability.SPECTRUM_PROMPT, Capability.SEED})
    return ScriptedModel("scripted", draws=again, can=can)


def shares(steerer: Steerer, messages: Sequence[Message], *, n_draws: int) -> str:
    """How often each option is drawn, and how many draws name none."""
    drawn = steerer.generate(messages, profile=PROFILE, n=n_draws, max_new_tokens=6)
    read = [read_choice(each.text, OPTIONS) if each.outcome is Outcome.OK else each.outcome for each in drawn]
    counts = Counter(OPTIONS[each] for each in read if not isinstance(each, Outcome))
    n_counted = counts.total()
    found = ", ".join(f"{option} {counts[option] / max(n_counted, 1):.2f}" for option in OPTIONS)
    return f"{found} (n = {n_counted}; {n_draws - n_counted} draws name none)"


def main() -> None:
    """Tune or load, then ask with the profile alone, and with what the person said before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", default="embedded", help="'embedded' is tuned first; 'scripted:uniform' is no model"
    )
    parser.add_argument("--adapter", default=None, help="a spectrum-tuned model or adapter")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--draws", type=int, default=40)
    arguments, _ = parser.parse_known_args()

    with tempfile.TemporaryDirectory() as folder:
        if arguments.adapter:
            model = load_model(arguments.adapter)
        elif arguments.model == "embedded":
            model = tuned(arguments.steps, Path(folder))
        else:
            model = scripted()
        steerer = Steerer(model, nonce="a person")
        print(f"steered by way of: {steerer.way}\n\n{ASKED}")

        question = Message("user", wording(ASKED))
        print(f"  the profile alone: {shares(steerer, [question], n_draws=arguments.draws)}")
        turns = [
            turn
            for statement, answer in KNOWN
            for turn in (Message("user", wording(statement)), Message("assistant", answer))
        ]
        print(
            f"  and {len(KNOWN)} known answers: {shares(steerer, [*turns, question], n_draws=arguments.draws)}"
        )


if __name__ == "__main__":
    main()
