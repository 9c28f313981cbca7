"""PRISM: what people ask of a chatbot, and which of four replies each of them prefers."""

from collections.abc import Mapping
from typing import Any

from pluralign.data.hub import load_rows
from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.blocks import Person, individuals, pool, sampled, strings
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source, get_file
from pluralign.spectrum.tasks import TaskSettings

HUB_ID = "HannahRoseKirk/prism-alignment"
LONGEST = 800  # characters of each reply: a row of longer ones would hold a single example

_UTTERANCES, _SURVEY = "prism/utterances.jsonl", "prism/survey.jsonl"
_HOW = f"--hub, or hf download {HUB_ID} --repo-type dataset --revision COMMIT --local-dir DIR/prism"
_FACTS = {
    "age": "age",
    "gender": "gender",
    "education": "education",
    "employment_status": "employment",
    "marital_status": "marital status",
    "english_proficiency": "English",
    "study_locale": "region",
}
_UNKNOWN = frozenset({"", "Prefer not to say"})
_LETTERS = "ABCD"
_WORDINGS = (
    "One user of chatbots chooses among replies and scores them, as JSON.",
    "The same person gives prompts, prefers one reply and scores every reply from 1 (terrible) to 100 (perfect), "
    "as JSON.",
)


def _table(start: Opening, file: str, *, source: str, columns: tuple[str, ...]) -> Any:
    path = get_file(start.place, file, hub_id=HUB_ID, source=source)
    return load_rows(path, hub_id=HUB_ID, columns=columns, revision=None, split="train")


def _first_turns(start: Opening, *, source: str) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """(user, conversation) -> the replies to the opening prompt, in the order in which they were shown."""
    columns = (
        "user_id",
        "conversation_id",
        "turn",
        "within_turn_id",
        "conversation_type",
        "user_prompt",
        "model_response",
        "score",
        "if_chosen",
    )
    turns: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _table(start, _UTTERANCES, source=source, columns=columns):
        if row["turn"] == 0:
            turns.setdefault((row["user_id"], row["conversation_id"]), []).append(row)
    return {key: sorted(rows, key=lambda row: row["within_turn_id"]) for key, rows in turns.items()}


def _prompts(start: Opening) -> Opened:
    by_kind: dict[str, dict[str, None]] = {}
    for rows in _first_turns(start, source="prism_prompts").values():
        by_kind.setdefault(rows[0]["conversation_type"], {})[rows[0]["user_prompt"].strip()] = None
    return sampled([
        pool(
            strings(list(texts)),
            ("Prompts", "Opening messages of people to a chatbot", f"First messages to a chatbot, {kind}"),
        )
        for kind, texts in sorted(by_kind.items())
    ])


def _preferences(start: Opening) -> Opened:
    examples: dict[str, list[Example]] = {}
    for (user, _), rows in _first_turns(start, source="prism_preferences").items():
        chosen = [letter for letter, row in zip(_LETTERS, rows, strict=False) if row["if_chosen"]]
        readable = all(len(row["model_response"]) <= LONGEST and row["score"] is not None for row in rows)
        if 2 <= len(rows) <= len(_LETTERS) and len(chosen) == 1 and readable:
            replies = dict(zip(_LETTERS, (row["model_response"] for row in rows), strict=False))
            scores = dict(zip(_LETTERS, (row["score"] for row in rows), strict=False))
            example = Example(
                input=format_fields({"prompt": rows[0]["user_prompt"], **replies}),
                output=format_fields({"choice": chosen[0], "scores": scores}),
            )
            examples.setdefault(user, []).append(example)
    people = [
        Person(
            examples=tuple(examples[row["user_id"]]),
            wordings=_WORDINGS,
            facts={
                name: row[column]
                for column, name in _FACTS.items()
                if isinstance(row[column], str) and row[column] not in _UNKNOWN
            },
        )
        for row in _table(start, _SURVEY, source="prism_preferences", columns=("user_id", *_FACTS))
        if row["user_id"] in examples
    ]
    return individuals(people, name="prism_preferences", seed=start.seed)


SOURCES = (
    Source(
        name="prism_prompts",
        split="train",
        what="opening messages to a chatbot, by kind of conversation",
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="CC BY 4.0 (what people wrote)",
        citation="Kirk et al. 2024, arXiv:2404.16019",
        material=("prism",),
        opened=_prompts,
        n_rows=150,
        settings=TaskSettings(mean_examples=128, max_examples=256),
        needs=Needs(files=(_UTTERANCES,), hub_id=HUB_ID, how=_HOW),
    ),
    Source(
        name="prism_preferences",
        split="train",
        what="one person's choices among replies with scores, with demographics",
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="CC BY 4.0 (what people wrote), CC BY-NC 4.0 (what models wrote)",
        citation="Kirk et al. 2024, arXiv:2404.16019",
        material=("prism",),
        opened=_preferences,
        n_rows=1000,
        settings=TaskSettings(mean_examples=20),
        needs=Needs(files=(_UTTERANCES, _SURVEY), hub_id=HUB_ID, how=_HOW),
    ),
)
