"""The sweep behind the quickstart's recipe: which learning rate, how many steps, how long the rows.

Each point changes fields of the quickstart's recipe, trains it, and scores the result on a validation set: coins,
dice, integers and urns in the wordings of the spectrum tasks, which are other items than the quickstart measures.

    python scripts/recipe_sweep.py sweep.jsonl '{"learning_rate": 1e-3}' '{"learning_rate": 2e-3, "seed": 1}'
"""

import argparse
import json
import tempfile
from pathlib import Path

from pluralign.elicitation import Ask, LogProb, PromptStyle
from pluralign.evals import PRIMARY, VALID_MASS, score_distributional
from pluralign.models import TransformersModel, load_weights
from pluralign.quickstart import default_recipe
from pluralign.records import Condition, Option, Question, QuestionSet
from pluralign.spectrum import TrainingRecipe, build_sequences, builtin_task, train

HELD_OUT = ("bernoulli", "dice", "integers", "urn")
VALIDATION_SEED = 1996
N_PER_FAMILY, MAX_OUTCOMES = 16, 20


def validation_questions() -> QuestionSet:
    """Processes of the held-out families with few outcomes, each in one of its wordings."""
    questions: list[Question] = []
    for family in HELD_OUT:
        task = builtin_task(family)
        processes = [task.process(index, seed=VALIDATION_SEED) for index in range(10 * N_PER_FAMILY)]
        small = [p for p in processes if p.distribution and len(p.distribution) <= MAX_OUTCOMES]
        for index, process in enumerate(small[:N_PER_FAMILY]):
            question = Question(
                id=f"{family}/{index}",
                text=process.descriptions[1 + index % (len(process.descriptions) - 1)],
                options=tuple(Option(text=text) for text in process.distribution or ()),
                truth=tuple((process.distribution or {}).values()),
                options_listed=False,
            )
            questions.append(question)
    return QuestionSet(id="validation", questions=tuple(questions))


def score(adapter: Path, questions: QuestionSet) -> dict[str, float | None]:
    """Divergence, its uniform baseline and valid mass over all questions and each family."""
    model = TransformersModel(load_weights(str(adapter), dtype="float32"))
    asks = [
        Ask(key=question.id, question=question, condition=Condition()) for question in questions.questions
    ]
    answers = LogProb(style=PromptStyle.SPECTRUM).answers(model, asks)
    estimates = score_distributional(questions, answers).estimates
    return {f"{e.name} {e.slice}": e.value for e in estimates if e.name in {PRIMARY, VALID_MASS}} | {
        f"uniform {e.slice}": e.baselines["uniform"] for e in estimates if e.name == PRIMARY
    }


def main() -> None:
    """Train and score every point; one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="JSONL file that the results are appended to")
    parser.add_argument("points", nargs="+", help="fields of the recipe to change, as JSON")
    args = parser.parse_args()
    questions = validation_questions()
    for point in args.points:
        recipe = TrainingRecipe.model_validate(default_recipe().model_dump() | json.loads(point))
        with tempfile.TemporaryDirectory() as folder:
            result = train(recipe, sequences=build_sequences(recipe), output_dir=Path(folder))
            found = score(result.path, questions)
        row = {
            "point": point,
            "loss": result.final_loss,
            "seconds": result.seconds,
            "n_tokens": result.n_tokens,
        }
        with args.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row | found) + "\n")
        print(json.dumps(row | found))


if __name__ == "__main__":
    main()
