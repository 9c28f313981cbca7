"""MultiPICo: which replies one person finds ironic."""

from pluralign.data.multipico import load_multipico
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import Person, individuals
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FOLDER = "multipico"
_WORDINGS = (
    "One person says of replies to posts whether they are ironic.",
    "One annotator's answers: Ironic or Not ironic.",
    "Is the reply ironic? The same person answers each time: Ironic or Not ironic.",
)


def _opened(start: Opening) -> Opened:
    questions = load_multipico(path=start.place.path(_FOLDER)).questions
    answers: dict[str, list[Example]] = {group.id: [] for group in questions.groups}
    for question in questions.questions:
        for person, counts in question.counts.items():
            option = question.options[max(range(len(counts)), key=counts.__getitem__)]
            answers[person].append(Example(input=question.text, output=option.text))
    people = [
        Person(
            examples=tuple(answers[group.id]),
            wordings=_WORDINGS,
            # "gender=Female" is the fact gender: Female.
            facts=dict(fact.split("=", maxsplit=1) for fact in group.member_of),
        )
        for group in questions.groups
    ]
    return individuals(people, name="multipico", seed=start.seed)


SOURCES = (
    Source(
        name="multipico",
        split="train",
        what="one person's ratings of irony, with gender, age and country",
        origin="github.com/Le-Wi-Di/le-wi-di.github.io",
        licence="none stated",
        citation="Casola et al. 2024, MultiPICo; Le-Wi-Di 2025",
        material=("multipico",),
        opened=_opened,
        n_rows=500,
        settings=TaskSettings(mean_examples=30, max_examples=64),
        needs=Needs(
            files=(f"{_FOLDER}/MP_annotators_meta.json",),
            how="MP_dev.json, MP_test.json and MP_annotators_meta.json of github.com/Le-Wi-Di/le-wi-di.github.io "
            "(LeWiDi 3, 2025) as DIR/multipico",
        ),
    ),
)
