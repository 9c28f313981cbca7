"""From a spec to a plan: sequences are made, cut to one length and drawn, and nothing is read yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pluralign.data.selection import draw
from pluralign.errors import ConfigurationError, DataError, UnsupportedError
from pluralign.evals.sequences import closed_set, common_length, n_complete
from pluralign.evaluation.sequences.config import DEFAULT_SEQUENCES, SequencesConfig, SequencesSettings
from pluralign.evaluation.spec import SequencesSpec, load_sequences_spec
from pluralign.models import LanguageModel, TransformersModel, load_model
from pluralign.records import content_hash
from pluralign.records.base import Record, Text
from pluralign.runs import Plan
from pluralign.spectrum.baseline_formats import SequenceLayout, sequence_layout
from pluralign.spectrum.format import SpectrumSequence
from pluralign.spectrum.scoring import SequenceUnit
from pluralign.spectrum.suite import (
    DataPlace,
    Share,
    SuiteRecipe,
    get_source,
    open_part,
    plan_suite,
    read_sequences,
)
from pluralign.spectrum.suite.stored import PREFIXES

# Part of every key: raise it when the meaning of a row or the words of a layout change.
ROW_SCHEMA = 1


class NamedSequence(Record):
    """A sequence with its name.

    Attributes:
        id: Source and number: "flight/17".
        sequence: The sequence, cut to the common length.
    """

    id: Text
    sequence: SpectrumSequence


class SequenceSet(Record):
    """The sequences of a run, with what decided their length.

    Attributes:
        id: Name of the set.
        source: Where they come from, and under which licence.
        n_examples: Examples of each.
        max_words: Budget of words that the number follows from.
        n_available: Sequences that there are.
        n_long_enough: Those of them with as many examples within the budget; these were drawn from.
        options: The different outputs of all that there are, where these are a small closed set.
        sequences: Those drawn.
    """

    id: Text
    source: str
    n_examples: Annotated[int, Field(ge=2)]
    max_words: int
    n_available: int
    n_long_enough: int
    options: tuple[str, ...] = ()
    sequences: Annotated[tuple[NamedSequence, ...], Field(min_length=1)]

    @property
    def digest(self) -> str:
        """sha256 of the content."""
        return content_hash(self.model_dump(mode="json"))

    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Id -> outputs."""
        return {
            each.id: tuple(example.output for example in each.sequence.examples) for each in self.sequences
        }


@dataclass(frozen=True)
class PreparedSequences:
    """Sequences that are ready to be read: nothing has been read yet.

    Attributes:
        config: Spec, settings and the model's name.
        sequences: What is read.
        model: Who reads.
        layout: How they are laid out for the model.
        plan: The work units.
    """

    config: SequencesConfig
    sequences: SequenceSet
    model: TransformersModel
    layout: SequenceLayout
    plan: Plan[SequenceUnit]


def prepare_sequences(
    spec: str | Path | SequencesSpec,
    *,
    model: str | LanguageModel,
    settings: SequencesSettings = DEFAULT_SEQUENCES,
) -> PreparedSequences:
    """Make and draw the sequences and plan the work, without reading anything.

    Args:
        spec: Id, path or spec.
        model: A model in memory, or a name for `load_model`.
        settings: What else may be set.

    Raises:
        ConfigurationError: Unknown evaluation, or the data are not where they should be.
        DataError: The data are not what they should be, or no sequence is long enough.
        ModelError: The model cannot be loaded, or has no turns to lay sequences out in.
        UnsupportedError: It is no model in memory, or does not know the layout.
    """
    spec = load_sequences_spec(spec)
    config = SequencesConfig(
        spec=spec, settings=settings, model=model if isinstance(model, str) else model.id
    )
    sequences = make_sequences(config)
    loaded = load_model(model) if isinstance(model, str) else model
    if not isinstance(loaded, TransformersModel):
        raise UnsupportedError(
            f"{spec.id} scores every token of an output, and {loaded.id!r} does not give that: take a model that runs "
            "here, such as 'embedded', a folder or a hub id."
        )
    layout = sequence_layout(loaded, settings.layout)
    plan = _plan(sequences, config=config, model=loaded, layout=layout)
    return PreparedSequences(config, sequences, loaded, layout, plan)


def make_sequences(config: SequencesConfig) -> SequenceSet:
    """The sequences of an evaluation: made, cut to their common length, and drawn.

    Raises:
        ConfigurationError: The data are not where they should be.
        DataError: They are not what they should be, or no sequence is long enough.
    """
    spec, settings = config.spec, config.settings
    known = {f"{name}/{number}": sequence for number, (name, sequence) in enumerate(_rows(spec, settings))}
    lengths = {
        name: n_complete(
            sequence.description,
            ((example.input, example.output) for example in sequence.examples),
            max_words=config.max_words,
        )
        for name, sequence in known.items()
    }
    length = common_length(list(lengths.values()))
    reaching = [name for name, n in lengths.items() if n >= length]
    wanted = settings.sequences or spec.sequences
    drawn = draw(reaching, wanted, seed=settings.seed, what="sequences")
    return SequenceSet(
        id=spec.id,
        source=f"{spec.source.name}, {spec.source.licence}",
        n_examples=length,
        max_words=config.max_words,
        n_available=len(known),
        n_long_enough=len(reaching),
        options=closed_set([
            [example.output for example in sequence.examples] for sequence in known.values()
        ]),
        sequences=tuple(
            NamedSequence(
                id=name,
                sequence=known[name].model_copy(update={"examples": known[name].examples[:length]}),
            )
            for name in drawn
        ),
    )


def _rows(spec: SequencesSpec, settings: SequencesSettings) -> Iterable[tuple[str, SpectrumSequence]]:
    """(name of the source, sequence) of all that there are."""
    if not set(settings.data) <= {"path"}:
        raise ConfigurationError(f"{spec.id}: --data path=FOLDER is all that it takes.")
    path = Path(str(settings.data["path"])) if "path" in settings.data else None
    if spec.task is None:
        if path is None:
            raise ConfigurationError(
                f"{spec.id} reads sequences of your own: --data path=FOLDER, which pluralign spectrum build wrote, or "
                "one Parquet file."
            )
        held_out = path.is_dir() and any(path.glob(f"{PREFIXES['held_out']}-*.parquet"))
        rows = list(read_sequences(path, split="held_out" if held_out else "train"))
        if not rows:
            raise DataError(f"{path}: holds no sequence.")
        return ((sequence.task or "row", sequence) for sequence in rows)
    source = get_source(spec.task)
    place = DataPlace(folder=path)
    if missing := source.needs.missing(place):
        raise ConfigurationError(f"{spec.id}: {missing}. Give the folder as --data path=FOLDER.")
    plan = plan_suite(
        SuiteRecipe(sources={spec.task: Share()}, split=source.split, seed=settings.seed), place=place
    )
    made = open_part(plan, 0)
    available = made.opened.n_rows
    n_rows = plan.parts[0].n_rows if available is None else min(available, plan.parts[0].n_rows)
    return ((made.name, made.row(number)) for number in range(n_rows))


def _plan(
    sequences: SequenceSet, *, config: SequencesConfig, model: TransformersModel, layout: SequenceLayout
) -> Plan[SequenceUnit]:
    identity: dict[str, object] = {
        "schema": ROW_SCHEMA,
        "model": model.id,
        "fingerprint": dict(model.fingerprint()),
        "evaluation": f"{config.spec.id}@{config.spec.version}",
        "layout": layout.name,
        "bfloat16": config.settings.bfloat16,
    }
    units = tuple(
        SequenceUnit(
            key=content_hash({**identity, "id": each.id, "sequence": each.sequence.model_dump(mode="json")}),
            id=each.id,
            sequence=each.sequence,
        )
        for each in sequences.sequences
    )
    return Plan(identity=identity, units=units)
