"""From a spec to a plan: prompts, model and settings are brought together, and nothing is asked yet."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from pluralign.data.gsm8k import HUB_ID, Part, load_problems
from pluralign.data.prompts import OpenPrompt, PromptSet, load_prompts
from pluralign.data.verifiable import VerifiableTask, chosen_tasks
from pluralign.errors import ConfigurationError
from pluralign.evaluation.repeated.asking import Asked, RepeatedUnit, asked_prompts, asked_tasks, style_of
from pluralign.evaluation.repeated.config import (
    DEFAULT_REPEATED,
    RepeatedConfig,
    RepeatedSettings,
    check_meant,
)
from pluralign.evaluation.repeated.problems import asked_problems
from pluralign.evaluation.spec import COVERAGE, HOMOGENEITY, SOLUTIONS, RepeatedSpec, load_repeated_spec
from pluralign.models import load_model
from pluralign.models.embedding import Embedder, load_embedder
from pluralign.models.protocol import Capability, LanguageModel, SamplingParams
from pluralign.records import content_hash
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe
from pluralign.resources import resource_folder
from pluralign.runs import Plan

# Part of every key: raise it when the meaning of a row changes.
ROW_SCHEMA = 1
PROBES = Path("homogeneity") / "data" / "probes.jsonl"


class ProblemPlace(Record):
    """Where problems lie, and which of them are asked: the arguments of `load_problems`."""

    path: Text = HUB_ID
    part: Part = "held_out"
    revision: Text | None = None


@dataclass(frozen=True)
class PreparedRepeated:
    """Open prompts that are ready to be asked many times: nothing has been asked yet.

    Attributes:
        config: Spec, settings and the model's name.
        prompts: What is asked.
        model: Who answers.
        embedder: Whose cosines are meant; None but for homogeneity.
        plan: The work units.
    """

    config: RepeatedConfig
    prompts: PromptSet
    model: LanguageModel
    embedder: Embedder | None
    plan: Plan[RepeatedUnit]


def prepare_repeated(
    spec: str | Path | RepeatedSpec,
    *,
    model: str | LanguageModel,
    settings: RepeatedSettings = DEFAULT_REPEATED,
    embedder: Embedder | None = None,
) -> PreparedRepeated:
    """Load everything and plan the work, without asking anything.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        settings: What else may be set.
        embedder: Instead of the one that the settings name.

    Raises:
        ConfigurationError: Unknown evaluation or task, or a setting that means nothing here.
        DataError: The prompts cannot be read.
        ModelError: Model or embedder cannot be loaded.
        UnsupportedError: The model cannot be sampled.
    """
    spec = load_repeated_spec(spec)
    check_meant(spec, settings)
    prompts = read_prompts(spec, settings)
    name, loaded = (model, load_model(model)) if isinstance(model, str) else (model.id, model)
    config = RepeatedConfig(spec=spec, settings=settings, model=name)
    asked = _asked(config, prompts=prompts, model=loaded)
    return PreparedRepeated(
        config=config,
        prompts=prompts,
        model=loaded,
        embedder=embedder_of(config, given=embedder),
        plan=_plan(asked, config=config, model=loaded),
    )


def embedder_of(config: RepeatedConfig, *, given: Embedder | None = None) -> Embedder | None:
    """Whose cosines are meant; None but for homogeneity."""
    if config.spec.evaluator != HOMOGENEITY:
        return None
    return given or load_embedder(config.settings.embedder)


def read_prompts(spec: RepeatedSpec, settings: RepeatedSettings) -> PromptSet:
    """The prompts of an evaluation, as many as the settings allow; of a task its description.

    Raises:
        ConfigurationError: An unknown task, or there is no path.
        DataError: They cannot be read.
    """
    if spec.prompts.kind == "verifiable":
        tasks = tasks_of(settings)
        described = tuple(OpenPrompt(id=task.id, text=task.description) for task in tasks)
        return PromptSet(id=spec.id, prompts=described, source=spec.source.name)
    source = f"{spec.source.name}, {spec.source.licence}"
    if spec.prompts.kind == "probes":
        found = load_prompts(resource_folder("evals") / PROBES, source=source)
    elif spec.prompts.kind == "gsm8k":
        found = _problems(spec, settings, source=source)
    else:
        arguments = {**spec.prompts.arguments, **settings.data}
        if set(arguments) != {"path"}:
            raise ConfigurationError(
                f"{spec.id} reads prompts of a file: --data path=FILE and nothing else. Published by {source}."
            )
        found = load_prompts(str(arguments["path"]), source=source)
    return found.model_copy(update={"prompts": found.prompts[: settings.limit]})


def _problems(spec: RepeatedSpec, settings: RepeatedSettings, *, source: str) -> PromptSet:
    try:
        place = ProblemPlace.model_validate({**spec.prompts.arguments, **settings.data})
    except ValidationError as error:
        raise ConfigurationError(f"{spec.id}, --data: {describe(error)}") from error
    problems = load_problems(place.path, part=place.part, revision=place.revision)
    return PromptSet(
        id=spec.id,
        prompts=tuple(OpenPrompt(id=each.id, text=each.question, answer=each.answer) for each in problems),
        source=source,
    )


def tasks_of(settings: RepeatedSettings) -> tuple[VerifiableTask, ...]:
    """The tasks that the settings choose.

    Raises:
        ConfigurationError: An unknown task.
    """
    return chosen_tasks(settings.tasks)[: settings.limit]


def _asked(config: RepeatedConfig, *, prompts: PromptSet, model: LanguageModel) -> tuple[Asked, ...]:
    spec, settings = config.spec, config.settings
    style = style_of(model)
    params = SamplingParams(
        temperature=spec.temperature if settings.temperature is None else settings.temperature,
        top_p=spec.top_p if settings.top_p is None else settings.top_p,
        min_p=spec.min_p if settings.min_p is None else settings.min_p,
    )
    max_new_tokens = settings.max_new_tokens or spec.max_new_tokens
    if spec.evaluator == COVERAGE:
        return asked_tasks(
            tasks_of(settings),
            style=style,
            mode=settings.mode,
            way=settings.way,
            k=config.k,
            params=params,
            max_new_tokens=max_new_tokens,
        )
    params = replace(params, max_new_tokens=max_new_tokens or params.max_new_tokens)
    if spec.evaluator == SOLUTIONS:
        scores = Capability.SCORE_OPTIONS in model.can
        return asked_problems(
            prompts.prompts, style=style, shots=settings.shots, params=params, scores=scores
        )
    return asked_prompts(
        prompts.prompts,
        style=style,
        way=settings.way,
        k=config.k,
        params=params,
        max_new_tokens=settings.max_new_tokens,
    )


def _plan(asked: tuple[Asked, ...], *, config: RepeatedConfig, model: LanguageModel) -> Plan[RepeatedUnit]:
    """Every prompt in so many draws, the draws of a prompt together."""
    identity: dict[str, object] = {
        "schema": ROW_SCHEMA,
        "model": model.id,
        "fingerprint": dict(model.fingerprint()),
        "evaluation": f"{config.spec.id}@{config.spec.version}",
        "way": {"name": config.settings.way, "seed": config.settings.seed, "block": config.block},
    }
    units = []
    for each in asked:
        common = {
            **identity,
            "prompt": each.id,
            "asked": asdict(each.prompt),
            "params": asdict(each.params),
        }
        if each.way == "scored":
            units.append(RepeatedUnit(content_hash({**common, "scored": each.scored}), each, 0))
            continue
        units += [
            RepeatedUnit(content_hash({**common, "draw": draw}), each, draw)
            for draw in range(config.n_replies)
        ]
    return Plan(identity=identity, units=tuple(units))
