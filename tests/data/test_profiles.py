import pytest
import yaml

from pluralign.data import load_data
from pluralign.data.profiles import load_profile_statements
from pluralign.errors import ConfigurationError
from pluralign.profiles import list_profiles, load_profile

SHARED = "I keep my word."
YES, NO = (1, 0), (0, 1)


@pytest.fixture
def write(tmp_path):
    """Writes a profile and returns its file."""

    def _write(id, *, values, does_not_hold=(), contrast=None):
        path = tmp_path / f"{id}.yaml"
        profile = {
            "schema_version": 1,
            "id": id,
            "title": id.title(),
            "summary": "A profile.",
            "values": [{"statement": statement, "weight": 1} for statement in values],
            "does_not_hold": list(does_not_hold),
            "provenance": {"kind": "curated", "sources": ["the test"], "licence": "Apache-2.0"},
        }
        path.write_text(yaml.safe_dump(profile | ({"contrast": contrast} if contrast else {})))
        return path

    return _write


@pytest.fixture
def opposed(write):
    """Two profiles that name each other as contrast, and share a value."""
    return [
        write("bold", values=["I act at once.", SHARED], does_not_hold=["I ask for leave."], contrast="meek"),
        write("meek", values=["I wait.", SHARED], does_not_hold=["I act at once."], contrast="bold"),
    ]


def keys(loaded):
    return {
        question.text.partition("\n")[2].strip('"'): dict(question.shares)
        for question in loaded.questions.questions
    }


def faults(loaded):
    return [(found.fault, found.severity.value, found.n_items, found.detail) for found in loaded.findings]


def test_a_profile_affirms_what_it_values_and_denies_what_it_does_not_hold(opposed):
    loaded = load_profile_statements(profiles=opposed)
    assert keys(loaded) == {
        "I act at once.": {"profile=bold": YES, "profile=meek": NO},
        SHARED: {"profile=bold": YES, "profile=meek": YES},
        "I ask for leave.": {"profile=bold": NO},
        "I wait.": {"profile=meek": YES},
    }
    first = loaded.questions.questions[0]
    assert first.text == 'Would you say this of yourself?\n"I act at once."'
    assert first.option_texts == ("Yes", "No")
    assert [(group.id, group.text) for group in loaded.questions.groups] == [
        ("profile=bold", 'live by the values of "Bold"'),
        ("profile=meek", 'live by the values of "Meek"'),
    ]
    assert faults(loaded) == []
    assert "nobody was asked" in loaded.questions.source
    assert "Assumed" not in loaded.questions.source


def test_the_assumption_keys_only_what_the_other_does_not_list(opposed):
    loaded = load_profile_statements(profiles=opposed, assume_contrast=True)
    assert keys(loaded) == {
        "I act at once.": {"profile=bold": YES, "profile=meek": NO},
        SHARED: {"profile=bold": YES, "profile=meek": YES},
        # What the bold do not hold is not taken for what the meek value.
        "I ask for leave.": {"profile=bold": NO},
        "I wait.": {"profile=meek": YES, "profile=bold": NO},
    }
    assert faults(loaded) == [
        ("assumed_key", "note", 1, "bold and meek: each is assumed to deny what the other values")
    ]
    assert "Assumed: what one profile values, the profile that is its contrast denies (bold and meek)." in (
        loaded.questions.source
    )


def test_the_assumption_needs_both_profiles_to_name_each_other(write, opposed):
    lone = write("rash", values=["I jump."], contrast="meek")
    loaded = load_profile_statements(profiles=[lone, opposed[1]], assume_contrast=True)
    assert keys(loaded)["I jump."] == {"profile=rash": YES}
    assert "Assumed" not in loaded.questions.source
    assert [found[0] for found in faults(loaded)] == ["no_contrast"]


def test_ids_follow_the_statement(opposed):
    there = load_profile_statements(profiles=opposed).questions.questions
    back = load_profile_statements(profiles=opposed[::-1]).questions.questions
    assert {each.text: each.id for each in there} == {each.text: each.id for each in back}


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ([], "No profile is given. Give ids of shipped profiles or YAML files: [virtue-ethics]."),
        ("utilitarianism", "Give a list of profiles, not the text 'utilitarianism': ['utilitarianism']."),
        (["utilitarianism", "utilitarianism"], "The profile 'utilitarianism' is given twice."),
        (["utilitarianims"], "Unknown profile 'utilitarianims'"),
    ],
)
def test_profiles_that_cannot_be_had(profiles, message):
    with pytest.raises(ConfigurationError) as error:
        load_profile_statements(profiles=profiles)
    assert str(error.value).startswith(message)


def test_every_shipped_profile():
    profiles = [load_profile(name) for name in list_profiles()]
    loaded = load_data("profiles", {"assume_contrast": True})
    assert [group.id for group in loaded.questions.groups] == [f"profile={each.id}" for each in profiles]
    own = sum(len(each.values) + len(each.does_not_hold) for each in profiles)
    assumed = sum(found.n_items for found in loaded.findings if found.fault == "assumed_key")
    n_keys = sum(len(question.groups) for question in loaded.questions.questions)
    # No shipped profile lists a statement of its contrast word for word, so that each of those values is assumed.
    mutual = [p for p in profiles if p.contrast and load_profile(p.contrast).contrast == p.id]
    assert assumed == sum(len(each.values) for each in mutual)
    assert n_keys == own + assumed
    alone = load_profile_statements()
    assert [found.fault for found in alone.findings] == ["no_contrast"]
