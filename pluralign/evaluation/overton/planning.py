"""From a spec to a plan: windows, model, judge and way of answering are brought together, and nothing is asked yet."""

from dataclasses import dataclass
from pathlib import Path

from pluralign.errors import ConfigurationError
from pluralign.evals.overton.presets import find_preset
from pluralign.evaluation.overton.asking import Plain, ResponseUnit, Synthesised, Way
from pluralign.evaluation.overton.config import (
    DEFAULT_OVERTON,
    N_SAMPLES,
    OvertonConfig,
    OvertonSettings,
)
from pluralign.evaluation.spec import OvertonSpec, load_overton_spec
from pluralign.guard.guard import Guard
from pluralign.judges import load_entailment
from pluralign.judges.entailment import Entailment
from pluralign.models import load_model
from pluralign.models.protocol import LanguageModel, SamplingParams
from pluralign.overton import admit, check_writer
from pluralign.profiles import load_profile, system_prompt
from pluralign.records import Condition, WindowSet, content_hash
from pluralign.runs import Plan
from pluralign.windows import WINDOWS, load_windows

# Part of every key: raise it when the meaning of a row changes.
ROW_SCHEMA = 1


@dataclass(frozen=True)
class PreparedOverton:
    """An evaluation of free responses that is ready to run: nothing has been asked yet.

    Attributes:
        config: Spec, settings and the names of model and judge.
        windows: What is asked, and the views that a whole answer presents.
        model: Who answers.
        judge: Who says which views an answer states.
        way: How an answer is made.
        plan: The work units.
    """

    config: OvertonConfig
    windows: WindowSet
    model: LanguageModel
    judge: Entailment
    way: Way
    plan: Plan[ResponseUnit]


def prepare_overton(
    spec: str | Path | OvertonSpec,
    *,
    model: str | LanguageModel,
    judge: str | Entailment,
    settings: OvertonSettings = DEFAULT_OVERTON,
    guard: Guard | None = None,
) -> PreparedOverton:
    """Load everything and plan the work, without asking anything.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        judge: A judge, or a name for `load_entailment`. It is named by the caller: there is no default.
        settings: What else may be set.
        guard: Who admits the profiles of a synthesis; None: `Guard.default()`.

    Raises:
        ConfigurationError: Unknown evaluation, kind of windows, argument, judge, preset or profile.
        DataError: The windows cannot be read.
        ModelError: Model or judge cannot be loaded.
        ProfileRefused: The guard does not serve a profile of the synthesis.
        UnsupportedError: The model cannot be sampled, or has no chat format.
    """
    spec = load_overton_spec(spec)
    if preset := settings.preset or spec.preset:
        find_preset(preset)
    windows = read_windows(spec, settings)
    name, loaded = (model, load_model(model)) if isinstance(model, str) else (model.id, model)
    check_writer(loaded)
    way = _way(spec, settings, guard=guard)
    judged_by, read_by = (judge, load_entailment(judge)) if isinstance(judge, str) else (judge.id, judge)
    return PreparedOverton(
        config=OvertonConfig(spec=spec, settings=settings, model=name, judge=judged_by),
        windows=windows,
        model=loaded,
        judge=read_by,
        way=way,
        plan=_plan(windows, spec=spec, model=loaded, way=way, n_draws=settings.draws or spec.draws),
    )


def read_windows(spec: OvertonSpec, settings: OvertonSettings) -> WindowSet:
    """The windows of an evaluation, as many as the settings allow.

    Raises:
        ConfigurationError: An unknown kind of windows, or an argument that is missing or wrong.
        DataError: They cannot be read.
    """
    arguments = {**spec.windows.arguments, **settings.data}
    try:
        windows = load_windows(spec.windows.kind, **arguments)
    except ConfigurationError as error:
        if "path" in arguments or spec.windows.kind not in WINDOWS:
            raise
        raise ConfigurationError(
            f"{error} The path is where the data lie, given as --data path=...; published by {spec.source.name}, licence: "
            f"{spec.source.licence}."
        ) from error
    return windows.model_copy(update={"windows": windows.windows[: settings.limit]})


def _way(spec: OvertonSpec, settings: OvertonSettings, *, guard: Guard | None) -> Way:
    """The way of answering that the settings ask for."""
    params = SamplingParams(
        temperature=spec.temperature if settings.temperature is None else settings.temperature,
        max_new_tokens=settings.max_new_tokens or spec.max_new_tokens,
    )
    if settings.way == "plain":
        condition = _speaking_for(settings.profile) if settings.profile else Condition()
        return Plain(params, seed=settings.seed, condition=condition, ask_for_views=settings.ask_for_views)
    guard = guard or Guard.default() if settings.profiles else None
    return Synthesised(
        params,
        view_tokens=settings.view_tokens,
        seed=settings.seed,
        approved=admit(settings.profiles, guard=guard) if guard else (),
        samples=None if settings.profiles else settings.samples or N_SAMPLES,
        guard=guard,
    )


def _speaking_for(name: str) -> Condition:
    """The model speaks for a value profile, as evaluations measure it: with no guard between."""
    profile = load_profile(name)
    return Condition(kind="profile", id=profile.id, text=system_prompt(profile))


def _plan(
    windows: WindowSet, *, spec: OvertonSpec, model: LanguageModel, way: Way, n_draws: int
) -> Plan[ResponseUnit]:
    """Every window in so many draws, the draws of a window together."""
    identity: dict[str, object] = {
        "schema": ROW_SCHEMA,
        "model": model.id,
        "fingerprint": dict(model.fingerprint()),
        "evaluation": f"{spec.id}@{spec.version}",
        "way": dict(way.settings()),
    }
    units = []
    for window in windows.windows:
        # Of a window its prompt only: with other views in it, nothing need be asked again.
        asked = [[[each.role, each.content] for each in prompt.messages] for prompt in way.prompts(window)]
        common = {**identity, "window": window.id, "prompts": asked}
        units += [
            ResponseUnit(content_hash({**common, "draw": draw}), window, draw) for draw in range(n_draws)
        ]
    return Plan(identity=identity, units=tuple(units))
