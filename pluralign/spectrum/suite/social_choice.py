"""Surveys of generative social choice: what people wrote freely, and how well statements capture their views."""

from collections.abc import Callable, Iterator

from pluralign.data.social_choice import Survey, read_survey
from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.blocks import Person, individuals
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FILES = (
    "generative_social_choice/abortion_survey.csv",
    "generative_social_choice/chatbot_personalization_survey.csv",
)


def _writers(survey: Survey) -> Iterator[Person]:
    people: dict[tuple[str, str], list[Example]] = {}
    for answer in survey.answers:
        example = Example(input=answer.question, output=answer.text)
        people.setdefault((answer.sample, answer.user), []).append(example)
    wordings = (
        "One person answers the questions of a survey, in free text.",
        "What one American wrote in a survey, question by question",
    )
    yield from (Person(tuple(examples), wordings) for examples in people.values())


def _raters(survey: Survey) -> Iterator[Person]:
    people: dict[tuple[str, str], list[Example]] = {}
    for rating in survey.ratings:
        if rating.reason:
            output = format_fields({"choice": survey.levels[rating.level], "reason": rating.reason})
            example = Example(input=rating.statement, output=output)
            people.setdefault((rating.sample, rating.user), []).append(example)
    wordings = (
        "One person says how well statements capture the person's view, and why, as JSON.",
        f"{survey.asked}\nOne person's answers with reasons, as JSON. Choices: {'; '.join(survey.levels)}",
    )
    yield from (Person(tuple(examples), wordings) for examples in people.values())


def _source(name: str, what: str, *, n_rows: int, people: Callable[[Survey], Iterator[Person]]) -> Source:
    def opened(start: Opening) -> Opened:
        found = [person for file in _FILES for person in people(read_survey(start.place.path(file)))]
        return individuals(found, name=name, seed=start.seed)

    return Source(
        name=name,
        split="train",
        what=what,
        origin="github.com/generative-social-choice/survey_data",
        licence="none stated",
        citation="Fish et al. 2023, arXiv:2309.01291",
        material=("generative social choice",),
        opened=opened,
        n_rows=n_rows,
        settings=TaskSettings(mean_examples=None),
        needs=Needs(
            files=_FILES,
            how="the folder data of github.com/generative-social-choice/survey_data as DIR/generative_social_choice",
        ),
    )


SOURCES = (
    _source("social_choice_text", "one person's free answers to a survey", n_rows=200, people=_writers),
    _source(
        "social_choice_rating",
        "one person's choices, with reasons, on statements",
        n_rows=400,
        people=_raters,
    ),
)
