"""Measure a model on questions of your own: people's counts in, divergence with interval, floor and ceiling out.

python examples/own_questions.py --model embedded
"""

import argparse
import tempfile
from pathlib import Path

from pluralign import Group, Option, Question, QuestionSet, load_model
from pluralign.elicitation import Ask, LogProb, check_capable, style_of
from pluralign.evals import score_distributional
from pluralign.records import Condition, write_jsonl

# How 400 guests of a canteen answered, and what the vegetarians among them said.
LUNCH = QuestionSet(
    id="lunch",
    questions=(
        Question(
            id="often",
            text="How often would you like a meal without meat in the canteen?",
            options=(
                Option(text="Every day", value=3),
                Option(text="Twice a week", value=2),
                Option(text="Never", value=1),
                Option(text="No opinion", refusal=True),
            ),
            counts={"all": (90, 190, 100, 20), "diet=vegetarian": (55, 9, 1, 0)},
        ),
        Question(
            id="price",
            text="Should a meal without meat cost less?",
            options=(Option(text="Yes"), Option(text="No")),
            counts={"all": (290, 110), "diet=vegetarian": (58, 7)},
        ),
    ),
    groups=(Group(id="all"), Group(id="diet=vegetarian", text="are vegetarians")),
    source="invented for this example",
)


def main() -> None:
    """Ask for everybody and for each group, score, and keep the answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "lunch_answers.jsonl")
    args = parser.parse_args()

    model = load_model(args.model)
    elicitation = LogProb(style=style_of(model))
    check_capable(model, elicitation)
    conditions = [
        Condition(kind="persona", id=group.id, text=group.text) if group.text else Condition()
        for group in LUNCH.groups
    ]
    asks = [
        Ask(key=f"{question.id}/{condition.id}", question=question, condition=condition)
        for question in LUNCH.questions
        for condition in conditions
    ]
    answers = elicitation.answers(model, asks)
    write_jsonl(args.out, answers)

    for estimate in score_distributional(LUNCH, answers).estimates:
        if estimate.slice == "all" and estimate.value is not None:
            baseline = estimate.baselines.get("uniform")
            print(
                f"{estimate.name}: {estimate.value:.3f} {estimate.unit}"
                + (
                    f" (uniform {baseline:.3f}, people against people {estimate.ceiling:.3f})"
                    if baseline
                    else ""
                )
            )
    print(f"answers: {args.out}")


if __name__ == "__main__":
    main()
