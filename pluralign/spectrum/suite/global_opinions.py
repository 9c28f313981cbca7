"""GlobalOpinionQA: how the people of one country answer survey questions, in per cent. Held out."""

from pluralign.data.global_opinions import HUB_ID, load_global_opinions
from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.blocks import Person, individuals
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source, find
from pluralign.spectrum.tasks import TaskSettings

_TABLE = "global_opinions"


def _opened(start: Opening) -> Opened:
    folder = start.place.folder
    found = find(folder, _TABLE) if folder else None
    questions = load_global_opinions(path=found or HUB_ID, revision=start.place.revision(_TABLE)).questions
    people = []
    for group in questions.groups:
        examples = []
        for question in questions.questions:
            if group.id in question.shares:
                shares = zip(question.option_texts, question.shares[group.id], strict=True)
                # Several percentages, and never a bare one: the options are a part of the answer.
                output = format_fields({text: f"{share:.0%}" for text, share in shares})
                examples.append(Example(input=question.text, output=output))
        wordings = (
            f"How people who {group.text} answer survey questions: the share of each option, as JSON",
        )
        people.append(Person(examples=tuple(examples), wordings=wordings))
    return individuals(people, name=_TABLE, seed=start.seed)


SOURCES = (
    Source(
        name=_TABLE,
        split="held_out",
        what="the shares of one country's answers",
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="CC BY-NC-SA 4.0",
        citation="Durmus et al. 2023, arXiv:2306.16388",
        material=("global opinions",),
        opened=_opened,
        n_rows=100,
        settings=TaskSettings(mean_examples=16, max_examples=32, description_keep_prob=1.0),
        needs=Needs(
            files=(_TABLE,),
            hub_id=HUB_ID,
            how="--hub, or its train split as DIR/global_opinions.csv or .parquet",
        ),
    ),
)
