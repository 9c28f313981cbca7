"""GSM8K: grade-school mathematics in four directions, question, answer, both, and question for an answer."""

from collections.abc import Sequence

from pluralign.data.gsm8k import ABOUT, DESCRIPTION, load_problems
from pluralign.spectrum.suite.blocks import pool, sampled, table
from pluralign.spectrum.suite.source import DataPlace, Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FILE = "gsm8k/train.jsonl"


def _problems(place: DataPlace) -> list[dict[str, str]]:
    """The problems that may be trained on: capability/gsm8k asks the others."""
    found = load_problems(place.path(_FILE), part="train")
    return [{"question": each.question, "answer": each.answer} for each in found]


def _mode(
    name: str, what: str, *, generated: Sequence[str], given: Sequence[str], wordings: Sequence[str]
) -> Source:
    def opened(start: Opening) -> Opened:
        return sampled([pool(table(_problems(start.place), generated=generated, given=given), wordings)])

    return Source(
        name=name,
        split="train",
        what=what,
        origin="github.com/openai/grade-school-math",
        licence="MIT",
        citation="Cobbe et al. 2021, arXiv:2110.14168",
        material=("gsm8k part train",),
        opened=opened,
        n_rows=50,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=Needs(
            files=(_FILE,),
            how="train.jsonl of github.com/openai/grade-school-math (grade_school_math/data) as DIR/gsm8k/train.jsonl",
        ),
    )


SOURCES = (
    _mode(
        "gsm8k_question",
        "mathematics problems",
        generated=("question",),
        given=(),
        wordings=("Questions", f"Write {ABOUT}.", f"One of many {ABOUT}, without its solution"),
    ),
    _mode(
        "gsm8k_answer",
        "solutions of mathematics problems",
        generated=("answer",),
        given=("question",),
        wordings=(
            "Answers to questions",
            DESCRIPTION,
        ),
    ),
    _mode(
        "gsm8k_problem",
        "mathematics problems with their solutions",
        generated=("question", "answer"),
        given=(),
        wordings=("Questions with answers", f"JSON of {ABOUT} with a solution, step by step"),
    ),
    _mode(
        "gsm8k_inverse",
        "mathematics problems for given solutions",
        generated=("question",),
        given=("answer",),
        wordings=(
            "Questions for given answers",
            f"Given a solution, write the {ABOUT[:-1]} that it solves.",
        ),
    ),
)
