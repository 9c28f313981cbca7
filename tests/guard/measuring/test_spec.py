"""The specs of the guard's tests: the shipped ones, and every way in which one can be wrong."""

import pytest
import yaml

from pluralign.errors import ConfigurationError
from pluralign.guard.measuring.figures import Figure
from pluralign.guard.measuring.spec import list_guard_specs, load_guard_spec, load_guard_specs
from pluralign.guard.measuring.suite import TESTS
from pluralign.guard.rates import share

OURS = {
    "guard/contrast": "T1",
    "guard/must-serve": "T2",
    "guard/mention": "T3",
    "guard/hiding": "T4",
    "guard/attacks": "T5",
    "guard/paraphrases": "T7",
}
PLAIN = {
    "id": "guard/mine",
    "version": "1-A",
    "test": "T3",
    "title": "Mine",
    "description": "Of mine.",
    "files": {"mention_en": {"path": "mention_en.jsonl", "source": "mine", "licence": "CC0-1.0"}},
}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(PLAIN | changes), encoding="utf-8")
        return path

    return write


def test_the_shipped_specs_are_those_of_the_tests_and_name_their_sources():
    shipped = {name: load_guard_spec(name) for name in list_guard_specs()}
    assert {name: shipped[name].test for name in OURS} == OURS
    assert {spec.test for spec in shipped.values()} == set(TESTS)
    for name, spec in shipped.items():
        assert spec.id == name
        assert all(file.source and file.licence for file in spec.files.values())
    assert [spec.test for spec in load_guard_specs()] == sorted(spec.test for spec in shipped.values())


def test_a_test_is_found_by_id_by_its_last_word_and_by_file(written):
    assert load_guard_spec("contrast") == load_guard_spec("guard/contrast")
    assert load_guard_spec(written()).id == "guard/mine"


@pytest.mark.parametrize(
    ("name", "message"), [("guard/contrasts", "Did you mean 'guard/contrast'"), ("xyz", "guard/must-serve")]
)
def test_an_unknown_test(name, message):
    with pytest.raises(ConfigurationError, match=message):
        load_guard_spec(name)


def test_a_test_is_measured_once():
    with pytest.raises(ConfigurationError, match="named twice"):
        load_guard_specs(["contrast", "guard/contrast"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": "T9"}, "test"),
        ({"id": "mine"}, "id"),
        ({"version": "1"}, "version"),
        ({"files": {}}, "files"),
        ({"files": {"a": {"path": "a.jsonl", "source": "mine"}}}, "licence"),
        ({"targets": [{"figure": "refused"}]}, "either at_least or at_most"),
        ({"targets": [{"figure": "refused", "at_most": 1.5}]}, "at_most"),
        ({"thresholds": 1}, "thresholds"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(written, changes, message):
    with pytest.raises(ConfigurationError, match=message) as error:
        load_guard_spec(written(**changes))
    assert "mine.yaml" in str(error.value)


def test_the_first_target_that_fits_counts(written):
    spec = load_guard_spec(
        written(
            targets=[
                {"figure": "refused", "source": "a", "at_most": 0.0},
                {"figure": "refused", "part": "* alone", "at_most": 0.1},
                {"figure": "auc", "at_least": 0.9},
            ]
        )
    )

    def figure(source, part, name):
        return Figure(test="T3", source=source, part=part, name=name, rate=share([True]))

    given = [
        figure("a", "5 alone", "refused"),
        figure("b", "5 alone", "refused"),
        figure("b", "whole", "refused"),
        figure("b", "whole", "auc"),
    ]
    found = spec.with_targets(given)
    assert [(each.at_least, each.at_most) for each in found] == [
        (None, 0.0), (None, 0.1), (None, None), (0.9, None),
    ]  # fmt: skip
    assert [each.met for each in found] == [False, False, None, True]
    assert spec.with_targets(found) == found
