"""Prompts that ask about people from outside, where the model does not answer as one of them."""

from pluralign.elicitation.asking import PromptStyle, prompt_for
from pluralign.models.protocol import Prompt
from pluralign.records import Condition, Question


def prompt_about(question: Question, *, condition: Condition, instruction: str) -> Prompt:
    """Write a question about a group of people as a chat prompt, its options always listed.

    Args:
        question: The question.
        condition: Whose answers are asked for; none stands for people at large.
        instruction: What is asked for, with "{people}" where the people are named.
    """
    # A persona of this form would tell the model to answer as one of the group: it is named instead.
    is_named = condition.kind == "none" or (condition.kind == "persona" and condition.form == "member")
    # What else is known of the people stands in the prompt as it is, without a request to answer as they would.
    given = Condition() if is_named else Condition(kind="profile", id=condition.id, text=condition.text)
    return prompt_for(
        question.model_copy(update={"options_listed": True}),
        order=range(len(question.options)),
        condition=given,
        style=PromptStyle.CHAT,
        instruction=instruction.format(
            people=_people(condition) if is_named else "the people described above"
        ),
    )


def _people(condition: Condition) -> str:
    return f"people who {condition.text}" if condition.text else "people"
