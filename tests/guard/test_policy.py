"""The policy as a record: the shipped one, digests, overlays and the linter."""

import json
import re

import pytest
import yaml
from pydantic import ValidationError

from pluralign.errors import ConfigurationError
from pluralign.guard.policy import (
    HAZARDS,
    Category,
    Examples,
    Overlay,
    Policy,
    Protected,
    lint_policy,
    load_overlay,
    load_policy,
)
from pluralign.resources import resource_folder

CATEGORIES = (
    "violence_terrorism",
    "hate_dehumanisation",
    "persecution_rights",
    "sexual_violence",
    "child_abuse",
    "serious_crime",
    "mass_destruction",
    "self_harm_promotion",
    "animal_cruelty",
    "coercive_control",
    "prompt_attack",
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy()


def changed(policy: Policy, id: str, **update: object) -> Policy:
    """The policy with one category changed."""
    return policy.model_copy(
        update={
            "categories": tuple(
                category.model_copy(update=update) if category.id == id else category
                for category in policy.categories
            )
        }
    )


def overlay(**fields: object) -> Overlay:
    return Overlay.model_validate_json(
        json.dumps({"id": "site", "title": "Our site", "reason": "We decided so in May.", **fields})
    )


def found(policy: Policy) -> list[tuple[str, str]]:
    return [(finding.where, finding.problem) for finding in lint_policy(policy)]


def test_the_shipped_policy_has_both_sides_and_lints_clean(policy):
    assert tuple(category.id for category in policy.categories) == CATEGORIES
    assert len(policy.decision_test) == 3
    assert len(policy.never_refuse_for) >= 10
    assert all(category.action == "refuse" for category in policy.categories)
    assert lint_policy(policy) == []


def test_the_overlays_of_the_shipped_policy_lint_clean_when_in_force(policy):
    strict = policy.with_overlays([overlay.id for overlay in policy.overlays])

    assert lint_policy(strict) == []
    assert [category.id for category in strict.categories] == [
        *CATEGORIES,
        "genocide_denial",
        "adult_sexual_practice",
    ]
    assert strict.loosened == ()


def test_the_test_data_name_categories_of_the_policy(policy):
    rows = [
        json.loads(line)
        for path in sorted((resource_folder("evals") / "guard" / "data").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    named = {row["category"] for row in rows if row.get("category")}

    assert rows
    assert named <= set(CATEGORIES)


def test_no_example_is_an_item_of_the_test_data(policy):
    """A judge is shown the examples: an item among them would be given away."""

    def words(text: str) -> frozenset[str]:
        return frozenset(re.findall(r"\w+", text.lower()))

    items = [
        words(row.get("text") or row["answer"])
        for path in sorted((resource_folder("evals") / "guard" / "data").glob("*.jsonl"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]
    parts = [*policy.categories, *(added for overlay in policy.overlays for added in overlay.adds)]
    for example in (text for part in parts for text in (*part.examples.refuse, *part.examples.serve)):
        own = words(example)
        assert max(len(own & item) / len(own | item) for item in items) < 0.5, example


def test_a_category_is_found_by_its_id(policy):
    assert policy.category("serious_crime").title == "Serious crime as a way of life"
    with pytest.raises(ConfigurationError, match=r"'serious_crimes'\..* Did you mean 'serious_crime'"):
        policy.category("serious_crimes")


def test_records_are_frozen_and_strict(policy):
    with pytest.raises(ValidationError):
        policy.version = "9.9.9"
    with pytest.raises(ValidationError):
        Protected(id="belief", text=3)
    with pytest.raises(ValidationError, match="stands twice"):
        Policy.model_validate({
            **{name: getattr(policy, name) for name in Policy.model_fields},
            "categories": policy.categories * 2,
        })


def test_the_digest_is_of_what_judges_and_users_are_shown(policy):
    digests = {
        policy.digest,
        policy.model_copy(update={"version": "1.0.1"}).digest,
        policy.model_copy(update={"precedence": "None."}).digest,
        changed(policy, "serious_crime", serve="nothing").digest,
        changed(policy, "serious_crime", action="review").digest,
        policy.with_overlays(["minors"]).digest,
        policy.with_overlays(["minors", "de-at-fr"]).digest,
    }

    assert len(digests) == 7
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert policy.model_copy(update={"calls": (), "overlays": ()}).digest == policy.digest
    assert load_policy().digest == policy.digest


def test_the_digest_does_not_depend_on_the_order_of_fields_or_on_layout(policy, tmp_path):
    content = yaml.safe_load((resource_folder("value_profiles") / "policy.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=True, width=60), encoding="utf-8")

    assert load_policy(path).digest == policy.digest


def test_an_overlay_adds_and_tightens_without_a_flag(policy):
    softer = policy.with_overlays([overlay(actions={"animal_cruelty": "review"})], allow_loosening=True)
    tighter = softer.with_overlays([overlay(id="back", actions={"animal_cruelty": "refuse"})])

    assert softer.category("animal_cruelty").action == "review"
    assert [each.change for each in softer.loosened] == ["sets animal_cruelty from refuse to review"]
    assert tighter.category("animal_cruelty").action == "refuse"
    assert tighter.applied == ("site", "back")
    assert tighter.loosened == softer.loosened
    assert policy.category("animal_cruelty").action == "refuse"


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"removes": ["child_abuse"]}, "removes the category child_abuse"),
        ({"actions": {"child_abuse": "review"}}, "sets child_abuse from refuse to review"),
        ({"unprotects": ["belief"]}, "no longer protects belief"),
    ],
)
def test_loosening_needs_the_flag_and_is_recorded(policy, fields, change):
    with pytest.raises(
        ConfigurationError, match=f"'site' loosens the policy: it {change}.*allow_loosening=True"
    ):
        policy.with_overlays([overlay(**fields)])

    loose = policy.with_overlays([overlay(**fields)], allow_loosening=True)

    (record,) = loose.loosened
    assert record.overlay == "site"
    assert record.change.startswith(change)
    assert record.reason == "We decided so in May."
    assert loose.digest != policy.digest
    gone = {"child_abuse"} & set(fields.get("removes", []))
    assert {category.id for category in loose.categories} == set(CATEGORIES) - gone
    assert ("belief" in {item.id for item in loose.never_refuse_for}) == ("unprotects" not in fields)


def test_an_overlay_may_not_drop_what_an_earlier_one_added(policy):
    strict = policy.with_overlays(["minors"])

    with pytest.raises(ConfigurationError, match="removes the category adult_sexual_practice"):
        strict.with_overlays([overlay(removes=["adult_sexual_practice"])])


def test_an_action_that_stays_is_no_loosening(policy):
    assert policy.with_overlays([overlay(actions={"child_abuse": "refuse"})]).loosened == ()


@pytest.mark.parametrize(
    ("overlays", "message"),
    [
        (["minor"], "Unknown overlay: 'minor'. Did you mean 'minors'"),
        (["minors", "minors"], "'minors' is in force already"),
        ([overlay(removes=["child_abus"])], "Unknown category .*'child_abus'. Did you mean 'child_abuse'"),
        ([overlay(actions={"crime": "review"})], "Unknown category of the policy 'pluralism-floor': 'crime'"),
        ([overlay(unprotects=["beliefs"])], "never_refuse_for: 'beliefs'. Did you mean 'belief'"),
        ([overlay(removes=list(CATEGORIES))], "'site' leaves no category"),
    ],
)
def test_an_overlay_that_does_not_fit(policy, overlays, message):
    with pytest.raises(ConfigurationError, match=message):
        policy.with_overlays(overlays, allow_loosening=True)


def test_an_overlay_may_not_replace_a_category_under_its_name(policy):
    mild = policy.category("child_abuse").model_copy(update={"action": "review"})
    other = Overlay(id="mild", title="Mild", reason="Mildness.", adds=(mild,))

    with pytest.raises(ConfigurationError, match="adds the category 'child_abuse', which the policy has"):
        policy.with_overlays([other], allow_loosening=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at least one of them is needed"),
        ({"removes": ["a"], "actions": {"a": "review"}}, "a: each category may stand there once"),
        ({"actions": {"a": "serve"}}, "'review' or 'refuse'"),
    ],
)
def test_an_overlay_that_says_nothing_or_two_things(fields, message):
    with pytest.raises(ValidationError, match=message):
        overlay(**fields)


def test_lint_of_the_whole(policy):
    bad = policy.model_copy(
        update={"decision_test": policy.decision_test[:2], "never_refuse_for": (), "version": "2.0.0"}
    )

    assert [where for where, _ in found(bad)] == ["decision_test", "never_refuse_for", "changelog"]
    assert "three questions are needed, not 2" in found(bad)[0][1]


@pytest.mark.parametrize(
    ("update", "where", "problem"),
    [
        ({"hazards": ("S15",)}, "hazards", "'S15' is no MLCommons code"),
        ({"sources": ("Somebody 3",)}, "sources", "'Somebody 3' begins with no key"),
        ({"serve": "peace"}, "serve", "less than half as many words"),
        ({"examples": Examples(refuse=("A.", "B."), serve=("C.",))}, "examples.serve", "not 1"),
        ({"examples": Examples(refuse=("A.", "B."), serve=("C.", "A."))}, "examples", "'A.' stands twice"),
        (
            {"refuse": "endorses raids, Lynching", "serve": "fairs, lynching, dances"},
            "serve",
            "'lynching' is refused and served in the same words",
        ),
        (
            {
                "refuse": "endorses raids, bluntness or lack of pity",
                "serve": "fairs, songs, dances, old hymns",
            },
            "refuse",
            "'bluntness or lack of pity' stands in never_refuse_for (character) too",
        ),
    ],
)
def test_lint_of_a_category(policy, update, where, problem):
    (finding,) = found(changed(policy, "violence_terrorism", **update))

    assert finding[0] == f"categories.violence_terrorism.{where}"
    assert problem in finding[1]


def test_lint_looks_into_overlays_that_are_not_in_force(policy):
    added = policy.overlays[0].adds[0].model_copy(update={"hazards": ("S99",)})
    loose = overlay(removes=["child_abuse"])
    bad = policy.model_copy(
        update={"overlays": (policy.overlays[0].model_copy(update={"adds": (added,)}), loose)}
    )

    assert [where for where, _ in found(bad)] == ["categories.genocide_denial.hazards", "overlays.site"]


def test_hazards_are_the_fourteen_codes():
    assert HAZARDS[0] == "S1"
    assert HAZARDS[-1] == "S14"
    assert len(HAZARDS) == 14


def test_an_overlay_loads_from_a_file_of_its_own(policy, tmp_path):
    added: Category = policy.overlays[0].adds[0].model_copy(update={"id": "local_rule"})
    path = tmp_path / "site.yaml"
    path.write_text(
        yaml.safe_dump(
            {"id": "site", "title": "Site", "reason": "Ours.", "adds": [added.model_dump(mode="json")]},
            allow_unicode=True,
        ),
        encoding="utf-8",
    )

    assert policy.with_overlays([load_overlay(path)]).category("local_rule") == added
