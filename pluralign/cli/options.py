"""Options of the commands that run and score evaluations: what they are, and refused where they mean nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from pluralign.errors import ConfigurationError

if TYPE_CHECKING:
    from pluralign.records.base import Record

    S = TypeVar("S", bound=Record)

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="'embedded', a hub id, a path, or 'scripted:uniform'.", show_default=True
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Groups = Annotated[
    str | None, typer.Option(help="Only these groups, comma-separated: party or party=Democrat.")
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="KEY=VALUE", help="Argument of the data adapter, for example path=FOLDER."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Put a published definition first: modular_pluralism, opinionqa, global_opinions, meister2024, spectrum; "
        "for steerable/: modular_pluralism_vk, opinionqa, steer_bench, indievalue; for overton/: modular_pluralism, "
        "modular_pluralism_corrected."
    ),
]
DropFaulty = Annotated[
    bool,
    typer.Option("--drop-faulty", help="Leave out items that lint finds faulty; both results are reported."),
]
Every = Annotated[bool, typer.Option("--every", help="Every metric and group, not the headline ones only.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")]
Elicit = Annotated[
    str | None, typer.Option(help="How answers are got: logprob, sample, verbalized, sequence or free_text.")
]
Draws = Annotated[
    int | None, typer.Option(min=1, help="Replies drawn for each question and group, or for each prompt.")
]
Condition = Annotated[
    str | None,
    typer.Option(
        help="What makes the model speak for a group: none, persona, qa, bio, portray, best_persona, few_shot, "
        "profile or in_context."
    ),
]
Profiles = Annotated[
    str | None,
    typer.Option(
        help="YAML file, group id to value profile, for --condition profile; overton/, way synthesis: ids or files of "
        "the profiles whose answers are put together, comma-separated."
    ),
]
Profile = Annotated[
    list[str] | None,
    typer.Option(
        help="A value profile to steer with, by id or file; GROUP:ID where the evaluation asks about groups of people."
    ),
]
Examples = Annotated[
    int | None, typer.Option(min=1, help="Own answers shown before a question, at most (in-context/ only).")
]
People = Annotated[
    int | None,
    typer.Option(min=1, help="Only so many of the groups, drawn with the seed: single people are many."),
]
MaxOrders = Annotated[
    int | None, typer.Option(min=1, help="At most this many orders of the options a question.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the plan, the first prompt and the number of calls; ask nothing."),
]
Name = Annotated[str, typer.Argument(help="Evaluation, for example distributional/anes96, or a YAML file.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run.", show_default="one under runs/")]
Evaluator = Annotated[
    Literal["distributional", "steerable", "in_context", "multiple_choice"] | None,
    typer.Option(help="What scores the answers; by default the evaluator of the evaluation in --questions."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Take a new folder rather than going on.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")]
WayName = Annotated[
    Literal["system", "user", "persona", "spectrum", "plain", "synthesis", "verbalized", "seeded"] | None,
    typer.Option(
        "--way",
        help="How a --profile is put to the model: system, user (before the first question), persona (plain text, its "
        "statements as first answers) or spectrum; without it in the model's own format. overton/: one plain answer, or a "
        "synthesis of several; coverage/, homogeneity/: plain, verbalized (several answers with probabilities in one "
        "reply), or seeded (a random string first).",
    ),
]


def settings_of(kind: "type[S]", given: Mapping[str, Any]) -> "S":
    """Settings of one kind; what is not given stands as it is by default.

    Raises:
        ConfigurationError: Names the option that is wrong.
    """
    from pydantic import ValidationError

    from pluralign.records.jsonl import describe

    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error


def refuse(options: Mapping[str, Any], *, why: str) -> None:
    """Refuse options that were given and mean nothing here.

    Raises:
        ConfigurationError: Names the first.
    """
    for name, value in options.items():
        if value is not None and value is not False and value != {}:
            raise ConfigurationError(f"--{name.replace('_', '-')}: {why}")
