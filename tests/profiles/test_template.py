import re

import pytest
import yaml

from pluralign.errors import ConfigurationError
from pluralign.profiles import ValueProfile, check_profile, load_profile, profile_template
from pluralign.profiles.library import list_profiles

EMPTY = [
    "summary",
    *(f"values.{n}.statement" for n in range(3)),
    "norms.0",
    "does_not_hold.0",
    "provenance.sources.0",
    "provenance.licence",
]


def test_the_template_names_what_is_missing_and_passes_once_it_is_there(tmp_path):
    path = tmp_path / "my-guild.yaml"
    path.write_text(profile_template("my-guild", title="Mine"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_profile(path)
    assert str(refused.value) == f"{path}: not filled in yet: {', '.join(EMPTY)}"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content |= {"summary": "Ours.", "norms": ["I listen."], "does_not_hold": ["I boast."]}
    content["provenance"] |= {"sources": ["X, 1901"], "licence": "CC0-1.0"}
    content["values"] = [{"statement": f"I do {n}.", "hedge": "as a rule"} for n in range(3)]
    profile = ValueProfile.model_validate(content)
    assert check_profile(profile, library={}) == ()
    # Every field of the record stands in the template, so that nobody has to know it.
    for name in ValueProfile.model_fields:
        assert re.search(rf"^(# )?{name}:", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("title", ['A "guild": # \\ {x} [y]', "' - no", "صنف نمی\u200cکنیم", "👩\u200d⚕️"])
def test_any_title_survives(title):
    assert yaml.safe_load(profile_template("no", title=title))["title"] == title
    assert yaml.safe_load(profile_template("no", title=title))["id"] == "no"


def test_what_cannot_be_a_profile_is_refused():
    for id, title, message in (
        ("My Guild", "Mine", "id: String should match pattern"),
        ("mine", "two\nlines", r"title: the character U\+000A \(LINE FEED\)"),
        ("mine", "", "title: '' is blank"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            profile_template(id, title=title)


def test_a_shipped_id_is_taken(monkeypatch):
    monkeypatch.setattr("pluralign.profiles.template.list_profiles", lambda: dict(list_profiles(), taken="x"))
    with pytest.raises(ConfigurationError, match="id: 'taken' is a shipped profile"):
        profile_template("taken", title="Mine")
