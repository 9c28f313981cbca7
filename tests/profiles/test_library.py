"""Reading and writing profiles, and the shipped library as a whole."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, StorageError
from pluralign.profiles import (
    Style,
    ValueProfile,
    check_profile,
    estimate_tokens,
    family_of,
    list_profiles,
    load_profile,
    profile_schema,
    system_prompt,
    write_profile,
)
from pluralign.resources import resource_folder

FAMILIES = {
    "political",
    "religious",
    "philosophical",
    "schwartz",
    "moral-foundations",
    "professional",
    "community",
}
# Schwartz 1992: the ten basic values.
SCHWARTZ = {
    "achievement", "benevolence", "conformity", "hedonism", "power",
    "security", "self-direction", "stimulation", "tradition", "universalism",
}  # fmt: skip
# Where each political tradition stands in the countries it comes from; "neither": its own axis, or both sides.
POLITICAL = {
    "anarchism": "left",
    "buen-vivir": "left",
    "christian-democracy": "right",
    "civic-republicanism": "neither",
    "classical-liberalism": "right",
    "communitarianism": "neither",
    "constitutional-monarchism": "right",
    "democratic-socialism": "left",
    "desarrollismo": "neither",
    "ecomodernism": "neither",
    "fiscal-conservatism": "right",
    "green-politics": "left",
    "laicite-ouverte": "neither",
    "laicite-republicaine": "neither",
    "law-and-order-conservatism": "right",
    "liberal-internationalism": "neither",
    "libertarianism": "right",
    "national-conservatism": "right",
    "progressivism": "left",
    "social-democracy": "left",
    "social-liberalism": "left",
    "traditional-conservatism": "right",
}
SHIPPED = sorted(list_profiles())


@pytest.fixture(scope="module")
def library():
    return {id: load_profile(id) for id in SHIPPED}


@pytest.mark.parametrize("id", SHIPPED)
def test_a_shipped_profile_is_curated_and_without_findings(library, id):
    profile = library[id]
    assert profile.id == id == list_profiles()[id].stem
    assert profile.provenance.kind == "curated"
    assert [f"{found.field}: {found.message}" for found in check_profile(profile, library=library)] == []


@pytest.mark.parametrize("id", SHIPPED)
def test_a_shipped_profile_s_contrast_points_back(library, id):
    if library[id].contrast is not None:
        assert library[library[id].contrast].contrast == id


@pytest.mark.parametrize("id", SHIPPED)
def test_the_estimate_is_never_short_for_a_shipped_profile(library, embedded_tokenizer, id):
    for style in Style:
        text = system_prompt(library[id], style=style)
        assert embedded_tokenizer(text) <= estimate_tokens(text)


def test_english_profiles_take_under_700_tokens_in_every_style(library, embedded_tokenizer):
    english = [profile for profile in library.values() if profile.language == "en"]
    assert max(embedded_tokenizer(system_prompt(p, style=s)) for p in english for s in Style) < 700


def test_the_library_is_large_and_every_family_and_file_is_in_it(library):
    files = list(resource_folder("value_profiles").glob("*/*.yaml"))
    assert len(files) == len(library) >= 32  # no id in two families
    assert {family_of(id) for id in library} == FAMILIES
    assert all(profile.contrast for profile in library.values() if family_of(profile.id) == "political")


def test_every_schwartz_value_is_there():
    assert {id.removeprefix("schwartz-") for id in SHIPPED if family_of(id) == "schwartz"} == SCHWARTZ


def test_left_and_right_are_balanced():
    sides = [POLITICAL[id] for id in SHIPPED if family_of(id) == "political"]
    assert sides.count("left") >= 4
    assert abs(sides.count("left") - sides.count("right")) <= 1


def test_files_at_the_top_and_other_files_are_no_profiles(tmp_path, monkeypatch, guild):
    monkeypatch.setattr("pluralign.profiles.library.resource_folder", lambda name: tmp_path)
    (tmp_path / "community").mkdir()
    write_profile(guild(), tmp_path / "community" / "guild.yaml")
    (tmp_path / "community" / "notes.md").write_text("-")
    (tmp_path / "policy.yaml").write_text("a: 1\n")
    assert list_profiles() == {"guild": tmp_path / "community" / "guild.yaml"}
    assert family_of("guild") == "community"
    assert load_profile("guild") == guild()
    with pytest.raises(ConfigurationError, match=r"Unknown profile 'gild'\. Did you mean 'guild'\?"):
        family_of("gild")
    with pytest.raises(
        ConfigurationError, match=r"Unknown profile 'gild', and no file\. Did you mean 'guild'\?"
    ):
        load_profile("gild")
    (tmp_path / "community" / "guild.yaml").rename(tmp_path / "community" / "bees.yaml")
    with pytest.raises(
        ConfigurationError, match=r"bees\.yaml: id: it must be the file's name, 'bees', not 'guild'"
    ):
        load_profile("bees")


@settings(deadline=None)
@given(data=st.data())
def test_a_profile_survives_yaml(any_profiles, tmp_path_factory, data):
    profile = data.draw(any_profiles)
    path = tmp_path_factory.mktemp("profile") / "any.yaml"
    write_profile(profile, path)
    assert load_profile(path) == profile
    assert load_profile(str(path)) == profile


@pytest.mark.parametrize(
    "text",
    [
        "أقول الصدق دائماً.",
        "אני אומר אמת.",
        "من دروغ نمی\u200cگویم.",
        "मैं क्\u200dष कहता हूँ।",
        "I help 👩\u200d⚕️, I cheer ❤️\u200d🔥.",
        "no", "null", "1.5", "2026-01-01", "- I wait: # not a comment", "I say 'yes' and \"no\".", "I  leave   gaps " + "x" * 120,
    ],
)  # fmt: skip
def test_text_is_written_byte_for_byte(tmp_path, guild, text):
    profile = guild(norms=[text], title=text[:80].rstrip())
    path = tmp_path / "guild.yaml"
    write_profile(profile, path)
    assert load_profile(path).norms == (text,)
    if not text.isascii():
        assert text.encode() in path.read_bytes()


def test_yaml_is_laid_out_for_people(tmp_path, guild):
    path = tmp_path / "guild.yaml"
    write_profile(guild(), path)
    assert path.read_text(encoding="utf-8") == (
        "schema_version: 1\nid: guild\ntitle: A guild\nsummary: Keeps bees for the village.\n"
        "values:\n"
        "  - statement: I keep bees healthy.\n    weight: 0.9\n"
        "  - statement: I share what I know.\n    hedge: as a rule\n"
        "  - statement: I sell honey at a fair price.\n    weight: 0.4\n"
        "norms:\n  - I speak calmly.\n"
        "does_not_hold:\n  - I want the largest harvest at any cost.\n"
        "provenance:\n  kind: curated\n  sources:\n    - A. Author, On Bees, 1901\n  licence: CC0-1.0\n"
        "language: en\n"
    )


def test_a_folder_that_is_not_there(tmp_path, guild):
    with pytest.raises(StorageError, match="cannot be written"):
        write_profile(guild(), tmp_path / "nowhere" / "guild.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("title:", "titel:"),
            r"title: Field required; titel: .*Did you mean 'title'\?",
        ),
        (lambda text: text.replace("weight: 0.9", "weight: 9"), r"values\.0\.weight: .* \(given: 9\)"),
        (
            lambda text: text.replace("    weight: 0.9\n", ""),
            r"values\.0: weight, hedge: exactly one of them",
        ),
        (lambda text: text.replace("I speak calmly.", "no"), r"norms\.0: .*valid string \(given: False\)"),
        (lambda text: text.replace("I speak calmly.", ""), r"not filled in yet: norms\.0$"),
        (lambda text: text + "norms:\n  - I hurry.\n", r"not valid YAML: norms: stands twice"),
        (lambda text: text.replace("norms:", "norms: ["), "not valid YAML"),
        (lambda text: "- a\n", r"needed are a profile's fields, .* and not \['a'\]"),
        (lambda text: "", "needed are a profile's fields, .* and not None"),
        (
            lambda text: text.replace("I speak calmly.", '"I speak.\\nLoudly."'),
            r"norms\.0: the character U\+000A",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_field(tmp_path, guild, change, message):
    path = tmp_path / "guild.yaml"
    write_profile(guild(), path)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"(?s)guild\.yaml: {message}"):
        load_profile(path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml: cannot be read"):
        load_profile(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: Café".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin\.yaml: cannot be read"):
        load_profile(tmp_path / "latin.yaml")


def test_the_schema_says_what_the_record_holds(guild):
    schema = profile_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == set(ValueProfile.model_fields)
    assert set(schema["required"]) == {"id", "title", "summary", "values", "provenance"}
    assert schema["additionalProperties"] is False
    line = schema["properties"]["norms"]["items"]
    assert line["maxLength"] == 240
    assert re.fullmatch(line["pattern"], "I wait.")
    assert not re.fullmatch(line["pattern"], " I wait.")
    either = schema["$defs"]["Value"]["oneOf"]
    assert [part["required"] for part in either] == [["weight"], ["hedge"]]


def test_the_shipped_yaml_is_what_a_plain_reader_reads(library):
    for id, path in list_profiles().items():
        assert ValueProfile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) == library[id]


def test_importing_costs_nothing_heavy():
    script = (
        "import sys, pluralign.profiles, pluralign\n"
        "assert not {'torch', 'transformers', 'numpy', 'scipy', 'pydantic', 'yaml'} & set(sys.modules)\n"
        "assert pluralign.system_prompt is pluralign.profiles.system_prompt\n"
        "assert sorted(pluralign.profiles._EXPORTS) == dir(pluralign.profiles)\n"
        "for name in dir(pluralign.profiles): getattr(pluralign.profiles, name)\n"
        "assert not {'torch', 'transformers', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
