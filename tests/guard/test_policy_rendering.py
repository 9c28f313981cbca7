"""One policy as system prompt, criterion, numbered rules and Markdown."""

import re

import pytest

from pluralign.errors import ConfigurationError
from pluralign.guard.policy import load_policy
from pluralign.guard.policy_rendering import for_people, judge_instructions

POLICY = load_policy()
IDS = [category.id for category in POLICY.categories]
ROLES = ["profile", "output"]


@pytest.mark.parametrize("role", ROLES)
def test_a_system_prompt_holds_the_whole_policy_in_order(role):
    text = judge_instructions(POLICY, role=role)

    assert re.findall(r"^#+ .*", text, re.MULTILINE) == [
        "# Policy pluralism-floor, version 1.0.0",
        "## When to refuse",
        "## Never a reason to refuse",
        "## Categories",
        *(f"### {category.id}: {category.title}" for category in POLICY.categories),
    ]
    for category in POLICY.categories:
        assert category.refuse in text
        assert category.serve in text
        for statement in (*category.examples.refuse, *category.examples.serve):
            assert f"\n- {statement}" in text
    for item in POLICY.never_refuse_for:
        assert f"\n- {item.text}" in text
    for question in POLICY.decision_test:
        assert getattr(question, role) in text
    assert POLICY.precedence in text


def test_the_serve_side_stands_beside_each_refuse_side():
    text = judge_instructions(POLICY, role="profile")

    assert len(re.findall(r"^Refuse where the profile .*\nServe: ", text, re.MULTILINE)) == len(IDS)
    assert (
        text.count("\nTo refuse, for example:\n- ") == text.count("\nTo serve, for example:\n- ") == len(IDS)
    )


def test_the_two_roles_are_worded_for_what_is_judged():
    of_profile, of_answer = (judge_instructions(POLICY, role=role) for role in ROLES)

    assert "a value profile may be used" in of_profile
    assert "Refuse where the answer" not in of_profile
    assert "an answer of a language model may be shown" in of_answer
    assert "Refuse where the profile" not in of_answer
    assert "Does the holder" not in of_answer


def test_the_form_of_the_answer_is_added_on_request():
    plain = judge_instructions(POLICY, role="profile")
    whole = judge_instructions(POLICY, role="profile", answer=True)

    assert "VERDICT" not in plain
    assert whole.startswith(plain)
    assert whole.endswith("\nVERDICT: REFUSE category_id\nVERDICT: SERVE")


def test_some_categories_are_rendered_in_the_policys_order():
    text = judge_instructions(POLICY, role="profile", categories=["serious_crime", "hate_dehumanisation"])

    assert re.findall(r"^### (\w+)", text, re.MULTILINE) == ["hate_dehumanisation", "serious_crime"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("category", POLICY.categories, ids=IDS)
def test_a_criterion_is_of_one_category_with_its_exceptions(category, role):
    text = judge_instructions(POLICY, role=role, style="criterion", categories=[category.id])
    name = {"profile": "profile", "output": "answer"}[role]
    lines = text.split("\n")

    assert len(lines) == 2 + len(POLICY.decision_test)
    assert lines[0].startswith(f"{category.title}. ")
    assert f"where this {name} {category.refuse}, and you say yes to each" in lines[0]
    assert lines[1:-1] == [f"- {getattr(question, role)}" for question in POLICY.decision_test]
    assert lines[-1] == f"Exceptions, which neither meet nor violate it: {category.serve}."


@pytest.mark.parametrize("role", ROLES)
def test_rules_are_numbered_through_with_their_ids_and_exceptions(role):
    lines = judge_instructions(POLICY, role=role, style="numbered").split("\n")

    assert lines[1].startswith("Never a reason: ")
    assert [re.match(r"(\d+)\. (\w+): broken where the ", line).groups() for line in lines[2:]] == [
        (str(number), id) for number, id in enumerate(IDS, start=1)
    ]
    for line, category in zip(lines[2:], POLICY.categories, strict=True):
        assert line.endswith(f"{category.refuse}. Not broken by: {category.serve}.")


def test_an_overlay_reaches_every_rendering():
    policy = POLICY.with_overlays(["minors"])

    assert "### adult_sexual_practice: " in judge_instructions(policy, role="profile")
    assert "\n12. adult_sexual_practice: " in judge_instructions(policy, role="profile", style="numbered")
    assert "overlays in force: `minors`." in for_people(policy)
    assert "adult_sexual_practice" not in judge_instructions(POLICY, role="profile")


def test_what_cannot_be_rendered():
    with pytest.raises(ConfigurationError, match="one category, not of 11: ask once for each"):
        judge_instructions(POLICY, role="profile", style="criterion")
    with pytest.raises(ConfigurationError, match="none is given"):
        judge_instructions(POLICY, role="profile", categories=[])
    with pytest.raises(ConfigurationError, match="'crime'"):
        judge_instructions(POLICY, role="profile", categories=["crime"])


def test_a_text_of_the_policy_is_never_read_as_a_template():
    odd = "endorses {role} {{7*7}} %s {0.__class__}"
    category = POLICY.categories[0].model_copy(update={"refuse": odd})
    policy = POLICY.model_copy(update={"categories": (category,)})

    for style in ("system", "criterion", "numbered"):
        assert odd in judge_instructions(policy, role="profile", style=style)


def test_people_see_all_that_judges_see_and_more():
    text = for_people(POLICY)

    for category in POLICY.categories:
        for part in (category.refuse, category.serve, category.refusal.sentence, category.instead):
            assert part in text
    for item in POLICY.never_refuse_for:
        assert f"- `{item.id}`: {item.text}" in text
    for call in POLICY.calls:
        assert f"| {call.question} | {call.chosen} | {call.reason} |" in text
    assert "#### Services for minors" in text
    assert "Loosened here" not in text
    assert text.endswith("\n")


def test_people_are_told_what_was_loosened():
    site = POLICY.overlays[1].model_copy(update={"id": "site", "adds": (), "removes": ("animal_cruelty",)})
    text = for_people(POLICY.with_overlays([site], allow_loosening=True))

    assert f"- `site` removes the category animal_cruelty: {site.reason}" in text
    assert "#### Cruelty to animals" not in text


@pytest.mark.parametrize("style", ["system", "numbered"])
def test_a_rendering_is_the_same_each_time(style):
    assert judge_instructions(load_policy(), role="profile", style=style) == judge_instructions(
        POLICY, role="profile", style=style, categories=reversed(IDS)
    )
