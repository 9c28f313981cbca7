"""The plan of a run: its work units, each with a key made of everything that can change its answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pluralign.elicitation import Ask, Elicitation, check_capable
from pluralign.models.protocol import LanguageModel
from pluralign.records import Condition, Question, content_hash

# Part of every key: raise it when the meaning of a row changes.
ROW_SCHEMA = 1


class Unit(Protocol):
    """A work unit, whatever is asked."""

    @property
    def key(self) -> str:
        """Key of the row that it leaves: a hash of everything that can change it."""
        ...


U = TypeVar("U", bound=Unit)


@dataclass(frozen=True)
class Plan(Generic[U]):
    """What a run will ask.

    Attributes:
        identity: What all rows have in common: model, its fingerprint, evaluation, elicitation, seed.
        units: The work units, in the order in which they are asked.
    """

    identity: Mapping[str, object]
    units: tuple[U, ...]

    @property
    def digest(self) -> str:
        """sha256 over identity and keys; two plans with equal digests ask the same."""
        return content_hash({"identity": self.identity, "keys": [unit.key for unit in self.units]})


def make_plan(
    cells: Iterable[tuple[Question, Condition]],
    *,
    model: LanguageModel,
    elicitation: Elicitation,
    evaluation: str,
    seed: int = 0,
) -> Plan[Ask]:
    """Plan to ask a model each question under its condition.

    Args:
        cells: (question, condition) pairs, none twice.
        model: Who is asked.
        elicitation: How.
        evaluation: "id@version" of the evaluation.
        seed: Seed of everything random in the answers.

    Raises:
        UnsupportedError: The model cannot do what the elicitation needs.
    """
    check_capable(model, elicitation)
    identity: dict[str, object] = {
        "schema": ROW_SCHEMA,
        "model": model.id,
        "fingerprint": dict(model.fingerprint()),
        "evaluation": evaluation,
        "elicitation": {"name": elicitation.name, **elicitation.settings()},
        "seed": seed,
    }
    units = []
    for question, condition in cells:
        asked = {
            "id": question.id,
            "text": question.text,
            "options": question.option_texts,
            "listed": question.options_listed,
        }
        key = content_hash({**identity, "question": asked, "condition": condition.model_dump()})
        units.append(Ask(key=key, question=question, condition=condition))
    return Plan(identity=identity, units=tuple(units))
