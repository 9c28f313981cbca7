import pytest

from pluralign.profiles import check_profile, check_profiles, write_profile
from pluralign.profiles.checking import MAX_CHARACTERS

VALUES = [
    {"statement": "I keep bees healthy.", "weight": 0.9},
    {"statement": "I share what I know.", "hedge": "as a rule"},
    {"statement": "I sell honey at a fair price.", "weight": 0.4},
]


@pytest.fixture
def found(guild):
    """(field, severity, message) of everything that is found in a changed profile."""

    def check(library=(), **changed):
        profiles = {profile.id: profile for profile in library}
        return [(f.field, f.severity, f.message) for f in check_profile(guild(**changed), library=profiles)]

    return check


def test_a_good_profile_has_no_findings(found):
    assert found() == []


@pytest.mark.parametrize(
    "statement",
    [
        "My word is my bond.",
        "What law forbids, I leave undone.",
        "We rest together.",
        "Honesty guides me.",
        "I'm patient.",
    ],
)
def test_the_first_person_in_many_forms(found, statement):
    assert found(norms=[statement]) == []


@pytest.mark.parametrize(
    "statement", ["Honesty matters most.", "You must obey.", "They wait.", "Phase I is over, i think."]
)
def test_a_statement_of_no_first_person(found, statement):
    expected = (
        []
        if " I " in statement
        else [("norms.0", "fault", f'{statement!r} is not in the first person: say it with "I" or "we"')]
    )
    assert found(norms=[statement]) == expected


def test_the_first_person_is_told_in_english_only(found):
    assert found(norms=["Digo la verdad."], language="es") == []
    assert [field for field, _, _ in found(norms=["Digo la verdad."], language="en-GB")] == ["norms.0"]
    assert found(norms=["I go, pian pian."], language="it") == []


def test_what_is_not_held_is_checked_too(found):
    assert [field for field, _, _ in found(does_not_hold=["I wait.", "Greed is good."])] == [
        "does_not_hold.1"
    ]


def test_a_word_twice_in_a_row(found):
    assert found(norms=["I speak the The truth."]) == [
        ("norms.0", "fault", "'the' stands twice in a row: leave one out")
    ]


def test_two_statements_that_say_the_same(found):
    # Words of four letters and more: keep, bees, calm, with, smoke against the same with "gentle": 5 of 5 shared.
    norms = ["I keep bees calm with smoke.", "I always keep the bees calm with gentle smoke."]
    ((field, severity, message),) = found(norms=norms)
    assert (field, severity) == ("norms.1", "fault")
    assert "what norms.0 says: 'I keep bees calm with smoke.'" in message
    # 3 of 5 shared: below four fifths.
    assert found(norms=["I keep bees calm with smoke.", "I keep many bees quiet with song."]) == []
    # What is not held may share every word with what is held.
    assert found(norms=norms[:1], does_not_hold=norms[1:]) == []


def test_weights_that_rise(found):
    values = [VALUES[0] | {"weight": 0.5}, VALUES[1], VALUES[2] | {"weight": 0.6}]
    ((field, _, message),) = found(values=values)
    assert field == "values.2.weight"
    assert message.startswith("0.6 is more than the 0.5 of a value above it")
    assert found(values=[VALUES[0] | {"weight": 0.4}, *VALUES[1:]]) == []


@pytest.mark.parametrize(
    "source",
    [
        "A. Author, On Bees, 1901",
        "https://example.org/bees",
        "Digha Nikaya 31",
        "Qur'an 2:177",
        "Aristotle, Nicomachean Ethics, about 340 BCE",
        "Maimonides, Mishneh Torah, twelfth century",
        "石田梅岩『都鄙問答』1739年",
    ],
)
def test_sources_that_can_be_found(found, source):
    assert found(provenance={"kind": "curated", "sources": [source], "licence": "CC0-1.0"}) == []


@pytest.mark.parametrize("source", ["common knowledge", "Wikipedia", "https://bees"])
def test_sources_that_cannot(found, source):
    ((field, severity, message),) = found(
        provenance={"kind": "curated", "sources": ["X, 1901", source], "licence": "CC0-1.0"}
    )
    assert (field, severity) == ("provenance.sources.1", "fault")
    assert "give author, title and year" in message


def test_contrasts(found, guild):
    missing = found(contrast="miners")
    assert missing == [("contrast", "fault", "there is no profile 'miners': see pluralign profile ls")]
    assert found([guild(id="miners", contrast="guild")], contrast="miners") == []
    one_way = [guild(id="miners", contrast="smiths")]
    said = "the contrast of 'miners' is 'smiths', not 'guild'"
    assert found(one_way, contrast="miners") == [("contrast", "fault", said)]
    inferred = {"kind": "inferred", "sources": ["X, 1901"], "licence": "CC0-1.0"}
    assert found(one_way, contrast="miners", provenance=inferred) == [("contrast", "note", said)]
    assert (
        found([guild(id="miners")], contrast="miners")[0][2]
        == "the contrast of 'miners' is none, not 'guild'"
    )


def test_a_curated_profile_has_enough_and_not_too_much(found):
    assert found(values=VALUES[:2]) == [("values", "fault", "a curated profile has 3 to 12 values, not 2")]
    many = [{"statement": f"I value thing {n}.", "weight": 1} for n in range(13)]
    assert found(values=many)[0][2] == "a curated profile has 3 to 12 values, not 13"
    assert found(values=many[:12]) == []
    assert [field for field, _, _ in found(norms=[], does_not_hold=[])] == ["norms", "does_not_hold"]
    long = [{"statement": f"I {n} " + "x" * 230, "weight": 1} for n in range(12)]
    ((field, _, message),) = found(values=long)
    assert field == "values"
    assert f"a curated one has {MAX_CHARACTERS} at most" in message


def test_an_inferred_profile_may_be_short_or_long(found):
    inferred = {"kind": "inferred", "sources": ["X, 1901"], "licence": "CC0-1.0"}
    assert found(values=VALUES[:1], norms=[], does_not_hold=[], provenance=inferred) == []
    long = [{"statement": f"I {n} " + "x" * 230, "weight": 1} for n in range(24)]
    assert found(values=long, provenance=inferred) == []


def test_files_are_checked_against_each_other_and_the_unreadable_are_named(tmp_path, guild):
    write_profile(guild(contrast="miners"), tmp_path / "guild.yaml")
    write_profile(guild(id="miners", contrast="guild"), tmp_path / "miners.yaml")
    (tmp_path / "bad.yaml").write_text("id: bad\n")
    names = [str(tmp_path / name) for name in ("guild.yaml", "miners.yaml", "bad.yaml")]
    checked = check_profiles(names)
    assert (checked.n_profiles, checked.findings) == (3, ())
    assert list(checked.unreadable) == names[2:]
    assert "title: Field required" in checked.unreadable[names[2]]
    (alone,) = check_profiles(names[:1]).findings
    assert alone.message.startswith("there is no profile 'miners'")
