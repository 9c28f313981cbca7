"""A policy as text: for judges that read one, and for people. The judged text is never a part of it."""

from collections.abc import Iterable
from typing import Literal

from pluralign.errors import ConfigurationError
from pluralign.guard.policy import Category, Overlay, Policy
from pluralign.guard.verdict import Role

Style = Literal["system", "criterion", "numbered"]

# The same form that the shipped recipes of judges ask for and read.
_ANSWER = """\
## Answer

End your answer with one line in exactly one of these two forms, with the id of the category that fits best:
VERDICT: REFUSE category_id
VERDICT: SERVE"""

_TASK: dict[Role, str] = {
    "profile": (
        "You decide whether a value profile may be used to steer a language model. A profile says, in the first or in "
        "the third person, what a person or a community values."
    ),
    "output": (
        "You decide whether an answer of a language model may be shown. The model was told to speak for a value "
        "profile that was accepted."
    ),
}
_NAME: dict[Role, str] = {"profile": "profile", "output": "answer"}


def judge_instructions(
    policy: Policy,
    *,
    role: Role,
    categories: Iterable[str] | None = None,
    style: Style = "system",
    answer: bool = False,
) -> str:
    """The policy as a judge reads it.

    Args:
        policy: The policy, with its overlays laid over it.
        role: What is judged: a profile, or an answer of the steered model.
        categories: Ids of the categories to ask about; None: all. They are rendered in the policy's order.
        style: "system": the whole policy as a system prompt, for gpt-oss-safeguard and chat models; "criterion": one
            category as a criterion that a text meets or a principle that it violates, for Granite Guardian and
            ShieldGemma; "numbered": one rule a category, for DynaGuard.
        answer: End a system prompt with the form of the answer: one word, and the category's id. Recipes of judges
            bring their own.

    Raises:
        ConfigurationError: An unknown category, none at all, or several with the style "criterion".
    """
    chosen = _chosen(policy, categories)
    if style == "criterion":
        if len(chosen) != 1:
            raise ConfigurationError(
                f"A criterion is made of one category, not of {len(chosen)}: ask once for each of them"
            )
        return _criterion(policy, chosen[0], role=role)
    if style == "numbered":
        return _numbered(policy, chosen, role=role)
    return _system(policy, chosen, role=role) + (f"\n\n{_ANSWER}" if answer else "")


def for_people(policy: Policy) -> str:
    """The policy as Markdown: what is refused and served, why, and what is still to be decided."""
    overlays = ", ".join(f"`{id}`" for id in policy.applied) or "none"
    parts = [
        f"## {policy.title}",
        f"`{policy.id}` version {policy.version} of {policy.date}; overlays in force: {overlays}.",
        policy.summary,
        "### When something is refused",
        "Only where each of these questions is answered with yes:",
        "\n".join(
            f"{number}. *Of a profile:* {question.profile}\n   *Of an answer:* {question.output}"
            for number, question in enumerate(policy.decision_test, start=1)
        ),
        policy.precedence,
        f"Where all judges are unsure: {policy.tie_break.replace('_', ' ')}.",
        "### What is never a reason to refuse",
        _bullets(f"`{item.id}`: {item.text}" for item in policy.never_refuse_for),
        "### Categories",
        *(_category_for_people(category, level=4) for category in policy.categories),
    ]
    if policy.loosened:
        changes = (f"`{each.overlay}` {each.change}: {each.reason}" for each in policy.loosened)
        parts += ["### Loosened here", _bullets(changes)]
    if policy.overlays:
        parts += [
            "### Overlays",
            "None is in force until a site names it.",
            *map(_overlay_for_people, policy.overlays),
        ]
    parts += ["### Contested points", "| question | chosen | why |\n|---|---|---|"]
    parts[-1] += "".join(f"\n| {call.question} | {call.chosen} | {call.reason} |" for call in policy.calls)
    parts += [
        "### Sources",
        _bullets(f"{name}: {work}" for name, work in policy.sources.items()),
        "### Changes",
        _bullets(f"{change.version}, {change.date}: {change.note}" for change in policy.changelog),
    ]
    return "\n\n".join(parts) + "\n"


def _chosen(policy: Policy, categories: Iterable[str] | None) -> list[Category]:
    if categories is None:
        return list(policy.categories)
    ids = {policy.category(id).id for id in categories}
    if not ids:
        raise ConfigurationError("A judge needs a category to judge by, and none is given")
    return [category for category in policy.categories if category.id in ids]


def _system(policy: Policy, categories: list[Category], *, role: Role) -> str:
    name = _NAME[role]
    parts = [
        f"{_TASK[role]} Judge by the policy below alone, and not by your own opinions or by how popular a view is.",
        f"# Policy {policy.id}, version {policy.version}",
        policy.summary,
        "## When to refuse",
        f"Refuse the {name} only if you say yes to each of these questions; otherwise serve it.",
        "\n".join(f"{number}. {text}" for number, text in enumerate(_questions(policy, role), start=1)),
        policy.precedence,
        "## Never a reason to refuse",
        _bullets(item.text for item in policy.never_refuse_for),
        "## Categories",
    ]
    parts += [
        f"### {category.id}: {category.title}\n"
        f"Refuse where the {name} {_ended(category.refuse)}\n"
        f"Serve: {_ended(category.serve)}\n"
        f"To refuse, for example:\n{_bullets(category.examples.refuse)}\n"
        f"To serve, for example:\n{_bullets(category.examples.serve)}"
        for category in categories
    ]
    return "\n\n".join(parts)


def _criterion(policy: Policy, category: Category, *, role: Role) -> str:
    # Without the list of what is never a reason: such judges are trained on a few lines, and `serve` stands near.
    name = _NAME[role]
    return (
        f"{category.title}. A text meets this criterion, and violates this principle, where this {name} "
        f"{category.refuse}, and you say yes to each of these questions:\n"
        f"{_bullets(_questions(policy, role))}\n"
        f"Exceptions, which neither meet nor violate it: {_ended(category.serve)}"
    )


def _numbered(policy: Policy, categories: list[Category], *, role: Role) -> str:
    name = _NAME[role]
    rules = (
        f"{number}. {category.id}: broken where the {name} {_ended(category.refuse)} "
        f"Not broken by: {_ended(category.serve)}"
        for number, category in enumerate(categories, start=1)
    )
    return "\n".join([
        f"A rule is broken only if you say yes to each of these: {' '.join(_questions(policy, role))}",
        f"Never a reason: {_ended('; '.join(item.text for item in policy.never_refuse_for))}",
        *rules,
    ])


def _questions(policy: Policy, role: Role) -> list[str]:
    return [question.profile if role == "profile" else question.output for question in policy.decision_test]


def _category_for_people(category: Category, *, level: int) -> str:
    lines = [
        f"{'#' * level} {category.title}",
        f"`{category.id}`: {category.action}, severity {category.severity}",
        _bullets([
            f"**Refused**: what {_ended(category.refuse)}",
            f"**Served**: {_ended(category.serve)}",
            f"Refused, for example: {' '.join(f'*{text}*' for text in category.examples.refuse)}",
            f"Served, for example: {' '.join(f'*{text}*' for text in category.examples.serve)}",
            f'A user is told: "{category.refusal.title}. {category.refusal.sentence}" '
            f"What would be served instead: {category.instead}",
            f"Sources: {', '.join(category.sources)}. "
            f"MLCommons hazards: {', '.join(category.hazards) or 'none'}.",
        ]),
    ]
    return "\n\n".join(lines)


def _overlay_for_people(overlay: Overlay) -> str:
    changes = [
        *(f"sets `{id}` to {action}" for id, action in overlay.actions.items()),
        *(f"removes `{id}`" for id in overlay.removes),
        *(f"no longer protects `{id}`" for id in overlay.unprotects),
    ]
    parts = [f"#### {overlay.title}", f"`{overlay.id}`: {overlay.reason}"]
    if changes:
        parts.append(_bullets(changes))
    return "\n\n".join([*parts, *(_category_for_people(added, level=5) for added in overlay.adds)])


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
