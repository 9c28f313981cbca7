"""From a spec to a plan: data, model and elicitation are brought together, and nothing is asked yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pluralign.data import load_data
from pluralign.data.loaded import Loaded
from pluralign.data.profiles import OF_PROFILE
from pluralign.elicitation import Ask, Elicitation, make_elicitation, style_of
from pluralign.elicitation.conditions import few_shot, persona, profile
from pluralign.elicitation.sequences import in_context_units
from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.evaluation.profiles import profile_text
from pluralign.evaluation.spec import (
    DEFAULT_SETTINGS,
    ConditionName,
    EvalSpec,
    RunConfig,
    Settings,
    load_closed_spec,
)
from pluralign.models import load_model
from pluralign.models.protocol import LanguageModel
from pluralign.profiles import load_profile
from pluralign.records import Condition, Group, PersonaForm, Question, QuestionSet, content_hash
from pluralign.runs import Plan, make_plan
from pluralign.steering.ways import chosen_way, steered_in

# Number of a group's other answers that stand before a question.
N_EXAMPLES = 5
_FORMS: Mapping[ConditionName, tuple[PersonaForm, ...]] = {
    "persona": ("member",),
    "qa": ("qa",),
    "bio": ("bio",),
    "portray": ("portray",),
    "best_persona": ("qa", "bio", "portray"),
}


@dataclass(frozen=True)
class Prepared:
    """An evaluation that is ready to run: nothing has been asked yet.

    Attributes:
        config: Spec, settings and the model's name.
        model: Who is asked.
        data: What is asked, and what is wrong with it.
        elicitation: How.
        plan: The work units.
    """

    config: RunConfig
    model: LanguageModel
    data: Loaded
    elicitation: Elicitation
    plan: Plan[Ask]


def prepare(
    spec: str | Path | EvalSpec, *, model: str | LanguageModel, settings: Settings = DEFAULT_SETTINGS
) -> Prepared:
    """Load everything and plan the work, without asking anything.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        settings: Groups, limits, elicitation, seed.

    Raises:
        ConfigurationError: Unknown evaluation, group, elicitation or argument.
        DataError: The data cannot be read, or hold no question that can be asked.
        ModelError: The model cannot be loaded.
        UnsupportedError: The model cannot do what the elicitation needs, or be steered in the way that is set.
    """
    spec = load_closed_spec(spec)
    _check_way(spec, settings)
    data = read_data(spec, settings)
    cells = _cells(spec, settings, data.questions)
    name, loaded = (model, load_model(model)) if isinstance(model, str) else (model.id, model)
    elicitation = _elicitation(spec, settings, loaded)
    evaluation = f"{spec.id}@{spec.version}"
    plan = make_plan(cells, model=loaded, elicitation=elicitation, evaluation=evaluation, seed=settings.seed)
    config = RunConfig(spec=spec, settings=settings, model=name)
    return Prepared(config, loaded, data, elicitation, plan)


def _elicitation(spec: EvalSpec, settings: Settings, model: LanguageModel) -> Elicitation:
    """How answers are got, with profiles put to the model in the way that is set."""
    elicitation = make_elicitation(
        settings.elicit or spec.elicitation.name,
        style=style_of(model),
        seed=settings.seed,
        max_orders=settings.max_orders or _own(spec, settings, "max_orders"),
        draws=settings.draws or _own(spec, settings, "draws"),
    )
    if settings.way is None:
        return elicitation
    return steered_in(chosen_way(settings.way, model), elicitation)


def _own(spec: EvalSpec, settings: Settings, name: str) -> int | None:
    """A setting of the spec's own elicitation; it says nothing of another one."""
    if settings.elicit not in {None, spec.elicitation.name}:
        return None
    value: int | None = getattr(spec.elicitation, name)
    return value


def read_data(spec: EvalSpec, settings: Settings) -> Loaded:
    """The questions of an evaluation with their faults, as many as the settings allow."""
    data = load_data(spec.data.adapter, {**spec.data.arguments, **settings.data})
    questions = data.questions.model_copy(update={"questions": data.questions.questions[: settings.limit]})
    kept = {question.id for question in questions.questions}
    findings = tuple(
        finding for finding in data.findings if finding.question_id is None or finding.question_id in kept
    )
    return replace(data, questions=questions, findings=findings)


def groups_met(spec: EvalSpec, settings: Settings, *, questions: QuestionSet) -> tuple[str, ...] | None:
    """Ids of the groups that the answers are held against; None where the population alone is asked."""
    if spec.conditions == "population":
        return None
    return tuple(group.id for group in _asked_groups(spec, settings, questions=questions))


def chosen_groups(groups: Sequence[Group], wanted: Sequence[str] | None) -> list[Group]:
    """The groups of these ids or groupings; all for None.

    Raises:
        ConfigurationError: An unknown name.
    """
    if not wanted:
        return list(groups)
    known = {name for group in groups for name in (group.id, group.id.partition("=")[0])}
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"Unknown group {name!r}.{did_you_mean(name, known)}")
    return [group for group in groups if {group.id, group.id.partition("=")[0]} & set(wanted)]


def _asked_groups(spec: EvalSpec, settings: Settings, *, questions: QuestionSet) -> list[Group]:
    """The groups that are asked: those wanted, and of many people as many as the settings allow."""
    groups = chosen_groups(questions.groups, settings.groups)
    n_people = settings.people or spec.people
    if n_people is None or n_people >= len(groups):
        return groups
    drawn = sorted(groups, key=lambda group: content_hash([settings.seed, group.id]))[:n_people]
    kept = {group.id for group in drawn}
    return [group for group in groups if group.id in kept]


def _cells(spec: EvalSpec, settings: Settings, questions: QuestionSet) -> list[tuple[Question, Condition]]:
    """Every question under every condition, the conditions outermost so that a persona's prompts lie together."""
    askable = [question for question in questions.questions if not question.unaskable]
    if not askable:
        raise ConfigurationError(
            f"None of the {len(questions.questions)} questions of {questions.id!r} can be asked; the first: "
            f"{questions.questions[0].unaskable}."
        )
    condition = settings.condition or spec.condition
    if spec.conditions == "population":
        if settings.groups or settings.condition not in {None, "none"}:
            raise ConfigurationError(
                f"The evaluation of {questions.id!r} asks the population only: it has no groups."
            )
        return [(question, Condition()) for question in askable]
    _check_condition(condition, spec=spec)
    groups = _asked_groups(spec, settings, questions=questions)
    answered = _answered(askable)
    if condition == "in_context":
        n_examples = settings.examples or spec.examples
        return [
            cell
            for group in groups
            for cell in in_context_units(
                answered.get(group.id, ()), group, n_examples=n_examples, seed=settings.seed
            )
        ]
    # An evaluator of steering holds the model as it is beside the steered one.
    as_it_is = condition == "none" or spec.evaluator == "steerable"
    met = {question.id for group in groups for question in answered.get(group.id, ())} if as_it_is else set()
    unsteered = [
        (question, Condition()) for question in askable if question.truth is not None or question.id in met
    ]
    if condition == "none":
        return unsteered
    steered = [
        (question, make(group, question))
        for make in _conditions_of(condition, settings=settings, questions=questions)
        for group in groups
        for question in answered.get(group.id, ())
    ]
    # A group without words, such as everybody, is given nothing: that is the model as it is once more.
    return [*unsteered, *(cell for cell in steered if not as_it_is or cell[1].kind != "none")]


def _answered(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """Group id -> the questions that it answered."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        for group in question.groups:
            found.setdefault(group, []).append(question)
    return found


def _check_way(spec: EvalSpec, settings: Settings) -> None:
    """Refuse a way to put a profile to a model where there is no profile."""
    condition = "none" if spec.conditions == "population" else settings.condition or spec.condition
    if settings.way is not None and condition != "profile":
        raise ConfigurationError(
            f"way: {settings.way.value!r} says how a profile is put to the model; {spec.id!r} is asked under the "
            f"condition {condition!r} here. Steer with --profile, or leave the way out."
        )


def _check_condition(condition: ConditionName, *, spec: EvalSpec) -> None:
    """Refuse a condition that the evaluator can make nothing of."""
    if (condition == "in_context") != (spec.evaluator == "in_context"):
        raise ConfigurationError(
            f"The condition {condition!r} does not go with the evaluator {spec.evaluator!r} of {spec.id!r}: a "
            "person's own answers as turns (in_context) are what evaluations under in-context/ ask with."
        )
    if condition == "best_persona" and spec.evaluator != "steerable":
        raise ConfigurationError(
            f"The condition 'best_persona' asks in three forms and keeps the best, which only evaluations under "
            f"steerable/ do; {spec.id!r} takes one of them: qa, bio or portray."
        )


def _conditions_of(
    name: ConditionName, *, settings: Settings, questions: QuestionSet
) -> list[Callable[[Group, Question], Condition]]:
    """How a group's conditions are made for a question: one way, or three for the best persona."""
    if name == "few_shot":
        return [
            lambda group, question: few_shot(
                group, question=question, pool=questions.questions, n=N_EXAMPLES, seed=settings.seed
            )
        ]
    if name == "profile":
        return [lambda group, _: profile(group.id, _profile_text(group, settings))]
    return [partial(_persona_of, form=form) for form in _FORMS[name]]


def _persona_of(group: Group, question: Question, *, form: PersonaForm) -> Condition:
    return persona(group, form=form)


def _profile_text(group: Group, settings: Settings) -> str:
    if group.id in settings.profiles:
        return settings.profiles[group.id]
    if group.id.startswith(OF_PROFILE):
        return profile_text(load_profile(group.id.removeprefix(OF_PROFILE)), way=settings.way)
    given = ", ".join(settings.profiles) or "none"
    raise ConfigurationError(
        f"No value profile is given for the group {group.id!r} (given: {given}). Give one, or choose --groups."
    )
