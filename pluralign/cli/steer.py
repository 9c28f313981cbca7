"""`pluralign steer`: ask a model as one who holds a value profile, or as a mixture of several."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.console import print_json, progress_console, result_console
from pluralign.errors import ConfigurationError

if TYPE_CHECKING:
    from pluralign.guard import ProfileRefused
    from pluralign.steering import Steered, Steerer

Profiles = Annotated[
    list[str],
    typer.Option(
        "--profile",
        help="A shipped profile (pluralign profile ls) or a YAML file. Given again, a mixture: each draw picks one.",
    ),
]
Weights = Annotated[
    str | None, typer.Option(help="Weights of the profiles of a mixture, a,b,c; equal where none are given.")
]
ModelName = Annotated[str, typer.Option("--model", help="Who is asked: see pluralign models ls.")]
OnUnsure = Annotated[
    str,
    typer.Option(
        help="Of a profile that nobody could tell: refuse, review, or serve_with_output_guard, which also checks "
        "every answer."
    ),
]


def steer(
    prompt: Annotated[str, typer.Argument(help="What is asked.")],
    profile: Profiles,
    model: ModelName = "embedded",
    weights: Weights = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Number of answers.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the answers.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, help="Of the answers; 0 takes the likeliest.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer at most.")] = 256,
    style: Annotated[str | None, typer.Option(help="first_person, portrait or data.")] = None,
    way: Annotated[
        str | None,
        typer.Option(help="system, user, persona or spectrum; by what the model can do where none is given."),
    ] = None,
    check_all: Annotated[
        bool,
        typer.Option("--check-all", help="Have the guard check all answers, not those of watched profiles."),
    ] = False,
    on_unsure: OnUnsure = "refuse",
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer while it is written.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Ask a model as one who holds a value profile. A profile that the guard refuses is not asked: exit status 1."""
    from pluralign.guard import Guard, ProfileRefused
    from pluralign.steering import Steerer

    if stream and (json or n != 1):
        raise ConfigurationError(
            "--stream: one answer is printed while it is written; leave out --json and --n."
        )
    if on_unsure not in {"refuse", "review", "serve_with_output_guard"}:
        raise ConfigurationError(
            f"--on-unsure: there is no {on_unsure!r}: take refuse, review or serve_with_output_guard."
        )
    guard = Guard.default(on_unsure=on_unsure)  # type: ignore[arg-type]  # one of the three, as was just made sure
    steerer = Steerer(model, guard, style=style, way=way, check_outputs="all" if check_all else "watched")
    asked: dict[str, Any] = {
        "profile": mixture(profile, weights),
        "seed": seed,
        "temperature": temperature,
        "max_new_tokens": max_new_tokens,
    }
    try:
        results = (_streamed(steerer, prompt, asked),) if stream else steerer.generate(prompt, n=n, **asked)
    except ProfileRefused as error:
        _print_refusal(error, as_json=json)
        raise typer.Exit(error.exit_code) from None
    if json:
        print_json([each.model_dump(mode="json") for each in results])
    elif not stream:
        for each in results:
            _print_answer(each, alone=len(results) == 1 and len(profile) == 1)
    for each in results:
        if each.withheld and each.output:
            _note(f"Withheld by the guard ({each.output.category or 'unsure'}): draw {each.draw}.")
    if not any(each.text.strip() for each in results):
        raise typer.Exit(1)


def mixture(profiles: list[str], weights: str | None) -> Any:
    """One profile, or several with their weights.

    Raises:
        ConfigurationError: There are not as many weights as profiles, or one is no number.
    """
    if weights is None:
        return profiles[0] if len(profiles) == 1 else profiles
    try:
        values = [float(weight) for weight in weights.split(",")]
    except ValueError:
        raise ConfigurationError(f"--weights: {weights!r} is not numbers with commas between them.") from None
    if len(values) != len(profiles):
        raise ConfigurationError(f"--weights: {len(values)} weights for {len(profiles)} profiles.")
    return list(zip(profiles, values, strict=True))


def _streamed(steerer: "Steerer", prompt: str, asked: dict[str, Any]) -> "Steered":
    stream = steerer.generate(prompt, stream=True, **asked)
    console = result_console()
    for piece in stream:
        console.print(piece, end="", markup=False, highlight=False, soft_wrap=True)
        console.file.flush()
    console.print()
    return stream.result


def _print_answer(result: "Steered", *, alone: bool) -> None:
    shown = result.text if result.text.strip() else f"[{result.outcome.value}]"
    title = "" if alone else f"{result.draw + 1}. {result.profile_id}: "
    result_console().print(f"{title}{shown.strip()}", markup=False, highlight=False, soft_wrap=True)


def _print_refusal(error: "ProfileRefused", *, as_json: bool) -> None:
    """What the author may be told; never the scores."""
    if as_json:
        parts = ("category", "sentence", "matched", "instead", "appeal", "review")
        print_json({"refused": {part: getattr(error, part) for part in parts}})
    _note(f"The profile is not served ({error.category or 'not settled'}). {error}")


def _note(text: str) -> None:
    progress_console().print(text, markup=False, highlight=False, soft_wrap=True)
