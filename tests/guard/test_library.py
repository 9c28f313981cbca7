"""The list of reviewed shipped profiles is what was reviewed, and counts for nothing else."""

import pytest

from pluralign.errors import ConfigurationError
from pluralign.guard.library import load_reviewed, profile_hash
from pluralign.guard.policy import load_policy
from pluralign.profiles import list_profiles, load_profile


def test_the_list_holds_every_shipped_profile_as_it_stands_and_the_shipped_policy():
    reviewed = load_reviewed()
    hashes = {id: profile_hash(load_profile(id)) for id in list_profiles()}
    changed = {id: digest for id, digest in hashes.items() if reviewed.profiles.get(id) != digest}
    assert not changed, (
        "read these against the policy, then write their hashes into value_profiles/reviewed.yaml"
    )
    assert reviewed.profiles.keys() == hashes.keys()
    assert reviewed.policy == load_policy().digest, (
        "read the library against the policy again, then write this"
    )


def test_a_changed_profile_or_policy_is_not_on_it():
    reviewed, policy = load_reviewed(), load_policy()
    bees, other = load_profile("quakerism"), load_profile("taoism")
    assert reviewed.verdict([bees, other], policy=policy).backend == "shipped library"
    changed = bees.model_copy(update={"summary": "Something else."})
    assert reviewed.verdict([changed], policy=policy) is None
    assert reviewed.verdict([other, changed], policy=policy) is None
    assert reviewed.verdict([bees], policy=policy.with_overlays(["minors"])) is None


@pytest.mark.parametrize("text", ["policy: abc\nprofiles: {a: b}\n", "profiles: {}\n", "- 1\n", ""])
def test_a_list_that_is_none(tmp_path, text):
    file = tmp_path / "reviewed.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"reviewed\.yaml"):
        load_reviewed(file)
