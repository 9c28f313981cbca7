"""Which learning rate, how many steps, which rank: the sweep behind the quickstart's recipe.

Each point is trained on the quickstart's rows and scored on a validation set: coins, dice, integers and urns
in the wordings of the spectrum tasks, other items than those that the quickstart measures.

    python benchmarks/recipe_sweep.py --learning-rates 5e-4 1e-3 --steps 60 --seeds 0 1 --out sweep.jsonl
"""

import argparse
import itertools
import json
import logging
import tempfile
from pathlib import Path

from pluralign.elicitation import Ask, LogProb, PromptStyle
from pluralign.evals import PRIMARY, VALID_MASS, score_distributional
from pluralign.models import TransformersModel, load_weights
from pluralign.quickstart import default_recipe
from pluralign.records import Condition, Option, Question, QuestionSet
from pluralign.spectrum import Lora, TrainingRecipe, build_sequences, builtin_task, train

HELD_OUT = ("bernoulli", "dice", "integers", "urn")
VALIDATION_SEED = 1996


def validation_questions(n_per_family: int) -> QuestionSet:
    """Processes of the held-out families, each in one of its wordings."""
    questions = []
    for family in HELD_OUT:
        task = builtin_task(family)
        for index in range(n_per_family):
            process = task.process(index, seed=VALIDATION_SEED)
            assert process.distribution is not None
            questions.append(
                Question(
                    id=f"{family}/{index}",
                    text=process.descriptions[1 + index % (len(process.descriptions) - 1)],
                    options=tuple(Option(text=text) for text in process.distribution),
                    truth=tuple(process.distribution.values()),
                    options_listed=False,
                )
            )
    return QuestionSet(id="validation", questions=tuple(questions))


def score(adapter: Path, questions: QuestionSet) -> dict[str, float | None]:
    """Divergence and valid mass over all questions and each family."""
    model = TransformersModel(load_weights(str(adapter), dtype="float32"))
    asks = [
        Ask(key=question.id, question=question, condition=Condition()) for question in questions.questions
    ]
    answers = LogProb(style=PromptStyle.SPECTRUM).answers(model, asks)
    estimates = score_distributional(questions, answers).estimates
    return {f"{e.name}/{e.slice}": e.value for e in estimates if e.name in {PRIMARY, VALID_MASS}} | {
        f"uniform/{e.slice}": e.baselines["uniform"] for e in estimates if e.name == PRIMARY
    }


def points(args: argparse.Namespace) -> list[dict[str, float]]:
    """The grid, or every n-th point of it."""
    names = ("learning_rate", "n_steps", "batch_size", "rank", "seed")
    grid = itertools.product(args.learning_rates, args.steps, args.batch_sizes, args.ranks, args.seeds)
    index, n_shards = (int(part) for part in args.shard.split("/"))
    return [dict(zip(names, point, strict=True)) for point in grid][index::n_shards]


def recipe_of(point: dict[str, float]) -> TrainingRecipe:
    """The quickstart's recipe at one point of the grid."""
    changes = {name: point[name] for name in ("learning_rate", "n_steps", "batch_size", "seed")}
    lora = Lora(rank=int(point["rank"]), alpha=2 * point["rank"])
    device_batch = min(8, int(point["batch_size"]))
    return TrainingRecipe.model_validate(
        default_recipe().model_dump() | changes | {"lora": lora, "device_batch_size": device_batch}
    )


def main() -> None:
    """Train and score every point, one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learning-rates", type=float, nargs="+", default=[2e-4, 5e-4, 1e-3, 2e-3])
    parser.add_argument("--steps", type=int, nargs="+", default=[60])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8])
    parser.add_argument("--ranks", type=int, nargs="+", default=[16])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--n-per-family", type=int, default=40)
    parser.add_argument("--shard", default="0/1", help="every n-th point from the i-th: i/n")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    questions = validation_questions(args.n_per_family)
    with args.out.open("a", encoding="utf-8") as out:
        for point in points(args):
            recipe = recipe_of(point)
            with tempfile.TemporaryDirectory() as folder:
                result = train(recipe, sequences=build_sequences(recipe), output_dir=Path(folder))
                found = score(result.path, questions)
            row = (
                point
                | {"loss": result.final_loss, "seconds": result.seconds, "n_tokens": result.n_tokens}
                | found
            )
            out.write(json.dumps(row) + "\n")
            out.flush()
            print(json.dumps(row))


if __name__ == "__main__":
    main()
