"""Questions of the Habermas machine: what citizens of the United Kingdom were asked to discuss. Held out."""

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pluralign.data.reading import parse_json, read_text
from pluralign.errors import DataError
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe
from pluralign.spectrum.suite.blocks import chunks, strings
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FILE = "habermas/questions.json"
_SETTINGS = TaskSettings(mean_examples=32, max_examples=64, description_keep_prob=1.0)
_WORDINGS = (
    "Questions about policy and society on which citizens of the United Kingdom may disagree",
    "A question for a citizens' assembly in the United Kingdom",
)


class _Question(Record):
    model_config = ConfigDict(extra="ignore")

    question: Text


def _opened(start: Opening) -> Opened:
    path = start.place.path(_FILE)
    try:
        found = TypeAdapter(list[_Question]).validate_python(parse_json(read_text(path), where=str(path)))
    except ValidationError as error:
        raise DataError(f"{path}: not a list of questions: {describe(error)}") from error
    texts = dict.fromkeys(item.question.strip() for item in found)
    return chunks(
        strings(list(texts)), _WORDINGS, name="habermas_question", settings=start.settings, seed=start.seed
    )


SOURCES = (
    Source(
        name="habermas_question",
        split="held_out",
        what="questions for citizens, no question in two rows",
        origin="github.com/google-deepmind/habermas_machine",
        licence="Apache-2.0",
        citation="Tessler et al. 2024, doi:10.1126/science.adq2852",
        material=("habermas",),
        opened=_opened,
        n_rows=200,
        settings=_SETTINGS,
        needs=Needs(
            files=(_FILE,),
            how="the questions of github.com/google-deepmind/habermas_machine as DIR/habermas/questions.json",
        ),
    ),
)
