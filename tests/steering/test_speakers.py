"""Who speaks: every form in which a profile is given, mixtures and their shares, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.policy import load_policy
from pluralign.profiles import load_profile, write_profile
from pluralign.steering.speakers import admit


@pytest.fixture(scope="module")
def guard(kit):
    return kit.guard()


def test_every_form_of_a_profile_is_the_same_speaker(guard, bees, tmp_path):
    path = tmp_path / "bees.yaml"
    write_profile(bees, path)
    fields = bees.model_dump(mode="json", exclude_none=True)
    forms = [bees, path, str(path), fields, guard.admit(bees), [bees], [(bees, 0.1)]]

    speakers = [admit(form, guard=guard) for form in forms]
    assert {speaker.digest for speaker in speakers} == {speakers[0].digest}
    assert admit("virtue-ethics", guard=Guard.default()).approved.profiles == (load_profile("virtue-ethics"),)


def test_shares_are_weights_that_sum_to_one(guard, bees, cats):
    assert admit([bees, cats], guard=guard).shares == (0.5, 0.5)
    assert admit([(bees, 3), cats], guard=guard).shares == (0.75, 0.25)
    assert admit(guard.admit([bees, cats]), guard=guard).shares == (0.5, 0.5)
    assert admit([(guard.admit(bees), 1), (cats, 3)], guard=guard).shares == (0.25, 0.75)
    one, other = admit([(bees, 1), (cats, 2)], guard=guard), admit([(bees, 2), (cats, 1)], guard=guard)
    assert one.digest != other.digest


@given(seed=st.integers(0, 2**32), draw=st.integers(0, 10_000), asked=st.text(max_size=5))
def test_a_pick_depends_on_seed_prompt_and_draw_alone_and_follows_the_shares(
    seed, draw, asked, kit, bees, cats
):
    guard = kit.guard()
    first = admit([(bees, 1), (cats, 1e-12)], guard=guard)
    assert first.pick(seed=seed, asked=asked, draw=draw) == 0
    both = admit([bees, cats], guard=guard)
    assert both.pick(seed=seed, asked=asked, draw=draw) == both.pick(seed=seed, asked=asked, draw=draw)


def test_bad_profiles_say_what_would_be_right(kit, guard, bees, cats):
    for profile, words in [
        ("virtue-ethic", r"Did you mean 'virtue-ethics'\?"),
        ({"id": "bees"}, "title: Field required"),
        ([], "the mixture is empty"),
        ([bees, bees], "more than once"),
        ([(bees, 0), cats], "the weight of member 1 is 0; it must be a number above 0"),
        ([(bees, 1), (cats, float("nan"))], "the weight of member 2 is nan"),
        ([(bees, True)], "the weight of member 1 is True"),
        ([bees, 3], "3 is no profile: give an id"),
        (3, "int is no profile: give an id"),
        ([bees, guard.admit([bees, cats])], "member 2 is a mixture"),
        ([kit.profile(f"bees-{i}", f"I keep {i} bees.") for i in range(9)], "1 to 8 profiles; 9 are given"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            admit(profile, guard=guard)


def test_a_profile_admitted_under_another_policy_is_not_taken(kit, guard, bees):
    policy = load_policy()
    stricter = policy.model_copy(update={"version": "0"})
    assert stricter.digest != policy.digest
    other = Guard(
        policy=stricter, form=FormLayer(), screen=None, reviewed=None, on_unsure="serve_with_output_guard"
    )
    approved = other.admit(bees)
    for profile in (approved, [approved, kit.profile("cats")]):
        with pytest.raises(ConfigurationError, match="admitted under another policy"):
            admit(profile, guard=guard)
