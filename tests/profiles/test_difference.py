from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.profiles import diff_profiles


def test_statements_strengths_fields_and_order(guild):
    other = guild(
        title="Another guild",
        values=[
            {"statement": "I sell honey at a fair price.", "weight": 0.4},
            {"statement": "I keep bees healthy.", "hedge": "always"},
            {"statement": "I plant flowers.", "weight": 0.3},
        ],
        norms=["I share what I know."],
        provenance={"kind": "curated", "sources": ["A. Author, On Bees, 1901"], "licence": "CC-BY-4.0"},
        contrast="miners",
    )
    difference = diff_profiles(guild(), other)
    assert [(s.section, s.statement) for s in difference.only_first] == [
        ("values", "I share what I know."),
        ("norms", "I speak calmly."),
    ]
    assert [(s.section, s.statement) for s in difference.only_second] == [
        ("values", "I plant flowers."),
        ("norms", "I share what I know."),
    ]
    assert [(c.statement, c.first, c.second) for c in difference.strengths] == [
        ("I keep bees healthy.", 0.9, "always")
    ]
    assert [(c.field, c.first, c.second) for c in difference.fields] == [
        ("title", "A guild", "Another guild"),
        ("contrast", None, "miners"),
        ("provenance.licence", "CC0-1.0", "CC-BY-4.0"),
    ]
    assert difference.reordered == ("values",)


@settings(deadline=None)
@given(data=st.data())
def test_only_equal_profiles_have_no_difference(any_profiles, data):
    first, second = data.draw(any_profiles), data.draw(any_profiles)
    assert diff_profiles(first, first).empty
    assert diff_profiles(first, second).empty == (first == second)
    there, back = diff_profiles(first, second), diff_profiles(second, first)
    assert (there.only_first, there.only_second) == (back.only_second, back.only_first)


@settings(deadline=None)
@given(data=st.data())
def test_any_one_change_is_seen(any_profiles, data):
    profile = data.draw(any_profiles)
    value = profile.values[0]
    weight = 0.5 if value.weight != 0.5 else 0.6
    changed = profile.model_copy(
        update={"values": (value.model_copy(update={"weight": weight, "hedge": None}), *profile.values[1:])}
    )
    assert not diff_profiles(profile, changed).empty
    backwards = profile.model_copy(update={"values": profile.values[::-1]})
    assert diff_profiles(profile, backwards).reordered == (("values",) if len(profile.values) > 1 else ())
