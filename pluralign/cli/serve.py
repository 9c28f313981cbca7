"""`pluralign serve`: put guarded value profiles in front of a server of models."""

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import names, progress_console

if TYPE_CHECKING:
    from pluralign.serve.gateway import Gateway
    from pluralign.serve.settings import Settings

Upstream = Annotated[
    str | None, typer.Option(help="Server to put profiles in front of, such as http://localhost:8000/v1.")
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder with profiles, watched for changes; may be repeated. 'shipped' stands for the shipped ones, "
        "which are served where no folder is named."
    ),
]
Host = Annotated[str | None, typer.Option(help="Address to listen on. \\[default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port. \\[default: 8080]")]
Workers = Annotated[
    int | None, typer.Option(help="Processes; each holds its share of the rates. \\[default: 1]")
]
Keys = Annotated[
    Path | None,
    typer.Option(
        help='YAML file of who may ask: keys: a list of name, sha256 (printf %s "$KEY" | sha256sum), and where wanted '
        "profiles and per_minute. Without it the gateway is open."
    ),
]
PerMinute = Annotated[
    int | None,
    typer.Option(help="Requests a minute of each key, or of each address where there are no keys."),
]
Audit = Annotated[
    Path | None, typer.Option(help="Append a line of JSON for every request, with hashes of the texts.")
]
AuditText = Annotated[bool | None, typer.Option("--audit-text", help="Keep the texts there too.")]
GuardLayers = Annotated[
    str | None,
    typer.Option(
        help="What looks at prompts and answers. rules: control marks, hidden characters, encoded runs, plain "
        "endorsements of harm; needs no model. screen: the rules and the embedded encoder; English alone, and often "
        "unsure. off: nothing. Profiles always pass the whole guard. \\[default: rules]"
    ),
]
RefuseUnsure = Annotated[
    bool | None,
    typer.Option("--refuse-unsure", help="Stop prompts and answers that could not be told, too."),
]
OnUnsure = Annotated[
    str | None,
    typer.Option(
        help="Of a profile that nobody could tell: refuse, review, or serve_with_output_guard, which also has each "
        "answer cleared by the screen. \\[default: refuse]"
    ),
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A policy's file. \\[default: the shipped]")
]
Overlays = Annotated[str | None, typer.Option(help="Overlays to lay over it, a,b,c.")]
Loosening = Annotated[
    bool | None, typer.Option("--allow-loosening", help="Let an overlay refuse less than the policy.")
]
StyleName = Annotated[
    str | None, typer.Option(help="first_person, portrait or data. \\[default: first_person]")
]
WayName = Annotated[
    str | None, typer.Option(help="system, or user for models without a system message. \\[default: system]")
]
Page = Annotated[bool | None, typer.Option("--ui", help="Serve the page to try profiles on, at /.")]
Config = Annotated[
    Path | None,
    typer.Option(help="YAML file of these options and more, named as in pluralign.serve.Settings."),
]


def serve(
    upstream: Upstream = None,
    profiles: Profiles = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    keys: Keys = None,
    per_minute: PerMinute = None,
    audit: Audit = None,
    audit_text: AuditText = None,
    guard: GuardLayers = None,
    refuse_unsure: RefuseUnsure = None,
    on_unsure: OnUnsure = None,
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = None,
    style: StyleName = None,
    way: WayName = None,
    ui: Page = None,
    config: Config = None,
) -> None:
    """Put guarded value profiles in front of a server of models: an OpenAI-compatible gateway.

    Any OpenAI client names a profile by the model's name (llama@stoicism), the header X-Pluralign-Profile or the
    field "profile". The server's key comes from PLURALIGN_UPSTREAM_KEY. SIGHUP reads the profiles again; SIGTERM
    stops the gateway once the requests under way are answered.
    """
    from pluralign.serve import read_settings, run

    settings = read_settings(
        config,
        upstream=upstream,
        profiles=profiles or None,
        host=host,
        port=port,
        workers=workers,
        keys=keys,
        per_minute=per_minute,
        audit=audit,
        audit_text=audit_text,
        guard=guard,
        refuse_unsure=refuse_unsure,
        on_unsure=on_unsure,
        policy=policy,
        overlays=names(overlay),
        allow_loosening=allow_loosening,
        style=style,
        way=way,
        ui=ui,
    )
    _say("Reading and guarding the profiles ...")
    run(settings, announce=_announce)


def _announce(gateway: "Gateway") -> None:
    """Say on stderr what is served, where, and what is not as safe as it could be."""
    settings = gateway.settings
    shelf = gateway.keeper.shelf
    refused = [name for name, each in shelf.shelved.items() if each.approved is None]
    shown = f"; refused: {', '.join(refused)}" if refused else ""
    address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
    _say(f"Gateway on {address}/v1, in front of {settings.upstream}")
    _say(f"  profiles: {shelf.n_served} served{shown}")
    _say(f"  guard: {settings.guard} for prompts and answers, policy {gateway.policy}")
    _say(f"  audit: {settings.audit or 'none'}{', with texts' if settings.audit_text else ''}")
    if settings.ui:
        _say(f"  page: {address}/")
    if settings.keys is None and not _is_loopback(settings):
        _say("  Open: without --keys, whoever reaches this address can use the upstream.")


def _is_loopback(settings: "Settings") -> bool:
    try:
        return ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return settings.host == "localhost"


def _say(text: str) -> None:
    progress_console().print(text, markup=False, highlight=False, soft_wrap=True)
