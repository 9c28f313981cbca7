"""How problems with a worked solution are put to a model, in the format that it was made for."""

from collections.abc import Sequence
from dataclasses import replace

from pluralign.data.gsm8k import DESCRIPTION, MARK, final_result, plain_number, reasoning
from pluralign.data.prompts import OpenPrompt
from pluralign.evaluation.repeated.asking import Asked, Style
from pluralign.models.protocol import Chat, Message, Prompt, SamplingParams, Text

# Of no data set: written for pluralign, so that no model was trained on them and every part can be asked.
EXAMPLES = (
    (
        "A baker makes 6 trays of rolls with 8 rolls on each tray. She sells 30 rolls. How many rolls are left?",
        "The baker makes 6 * 8 = 48 rolls.\nAfter the sale 48 - 30 = 18 rolls are left.\n#### 18",
    ),
    (
        "Omar reads 15 pages on each of 5 school days and twice as many pages on each of the 2 days of the weekend. "
        "How many pages does he read in the whole week?",
        "On school days Omar reads 15 * 5 = 75 pages.\nOn a day of the weekend he reads 15 * 2 = 30 pages.\n"
        "On the weekend he reads 30 * 2 = 60 pages.\nIn the whole week he reads 75 + 60 = 135 pages.\n#### 135",
    ),
    (
        "A jacket costs $80. In the sale it is 25% cheaper, and Lena pays with a $100 note. How much change does she get?",
        "The sale takes 80 * 0.25 = $20 off.\nThe jacket then costs 80 - 20 = $60.\n"
        "Lena gets 100 - 60 = $40 back.\n#### 40",
    ),
    (
        "Three friends share the rent of a flat equally. The rent is $1,350 a month. How much does one of them pay in a "
        "year?",
        "Each friend pays 1350 / 3 = $450 a month.\nIn a year that is 450 * 12 = $5400.\n#### 5400",
    ),
)
_INSTRUCTION = f"Solve the problem step by step. The last line is {MARK} and the result as a number."
# A model that continues plain text writes problems of its own behind its answer.
_NEXT_PROBLEM = "Question:"


def problem_prompt(question: str, *, style: Style, shots: int, begun: str = "") -> Prompt:
    """A problem behind some worked examples.

    Spectrum: a description, then problems as inputs and solutions as outputs. Chat: user turns, each with the
    instruction, and assistant turns. Text: questions and answers.

    Args:
        question: The problem.
        style: The model's format.
        shots: How many of `EXAMPLES`, from the first.
        begun: How its solution begins.
    """
    shown = EXAMPLES[:shots]
    if style is Style.TEXT:
        before = "".join(f"{_NEXT_PROBLEM} {asked}\nAnswer: {solved}\n\n" for asked, solved in shown)
        return Text(f"{before}{_NEXT_PROBLEM} {question}\nAnswer:{f' {begun}' if begun else ''}", end="\n\n")
    asks, solves = ("input", "output") if style is Style.SPECTRUM else ("user", "assistant")
    turns = [Message("description", DESCRIPTION)] if style is Style.SPECTRUM else []
    for asked, solved in shown:
        turns += [Message(asks, _asked(asked, style=style)), Message(solves, solved)]
    return Chat((*turns, Message(asks, _asked(question, style=style))), continue_from=begun)


def asked_problems(
    problems: Sequence[OpenPrompt], *, style: Style, shots: int, params: SamplingParams, scores: bool
) -> tuple[Asked, ...]:
    """Problems as a model is given them: each to be solved, and where that is possible its right result to be scored.

    Args:
        problems: Problems with their solutions.
        style: The model's format.
        shots: Worked examples before a problem.
        params: How is drawn.
        scores: Whether the model gives log-probabilities; what is scored comes first, as it takes no time.
    """
    own = replace(params, stop=(_NEXT_PROBLEM,)) if style is Style.TEXT else params
    found = []
    for problem in problems if scores else ():
        answer = problem.answer or ""
        # The line of the result has begun: what is scored is the number and the end of the turn.
        begun = f"{reasoning(answer)}\n{MARK}"
        result = plain_number(final_result(answer, where=f"problem {problem.id!r}"))
        prompt = problem_prompt(problem.text, style=style, shots=shots, begun=begun)
        found.append(Asked(problem.id, prompt, own, way="scored", scored=f" {result}"))
    drawn = (problem_prompt(problem.text, style=style, shots=shots) for problem in problems)
    return (
        *found,
        *(Asked(problem.id, prompt, own) for problem, prompt in zip(problems, drawn, strict=True)),
    )


def _asked(question: str, *, style: Style) -> str:
    return question if style is Style.SPECTRUM else f"{question}\n\n{_INSTRUCTION}"
