import pytest
import yaml

from pluralign.errors import ConfigurationError
from pluralign.guard.judges.recipe import NOT_OURS, Recipe, list_recipes, load_recipe

SHIPPED = {
    "dynaguard",
    "gpt-oss-safeguard",
    "granite-guardian",
    "llama-guard-3",
    "llama-guard-4",
    "policy-chat",
    "polyguard",
    "prompt-guard-2",
    "qwen3guard",
    "shieldgemma",
    "wildguard",
}
MINIMAL = {
    "name": "mine",
    "version": 1,
    "source": ["here"],
    "licence": "mine",
    "notes": "none",
    "languages": ["en"],
    "policy": None,
    "placement": "turn",
    "frames": {"profile": {"messages": [{"role": "user", "content": "{text}"}]}},
    "runs_on": ["model"],
    "text": {"max_tokens": 4, "pattern": r"\A(?P<verdict>a|b)\Z", "refuse": ["a"], "serve": ["b"]},
}


def write(tmp_path, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**MINIMAL, **changes}), encoding="utf-8")
    return path


def test_what_is_shipped():
    assert set(list_recipes()) == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_recipe_fits_the_policy(name: str, policy):
    recipe = load_recipe(name)
    ids = {category.id for category in policy.categories}

    assert {meaning for meaning in recipe.codes.values() if meaning != NOT_OURS} <= ids
    assert set(recipe.competent or ()) <= ids
    assert recipe.readers
    # A model with categories of its own is competent for no more than these stand for.
    if recipe.codes:
        assert set(recipe.competent or ()) == set(recipe.codes.values()) - {NOT_OURS}


def test_no_model_judges_lawful_politics_by_its_own_categories():
    assert load_recipe("qwen3guard").codes["politically sensitive topics"] == NOT_OURS
    assert load_recipe("qwen3guard").codes["unethical acts"] == NOT_OURS
    assert load_recipe("llama-guard-3").codes["s13"] == NOT_OURS


def test_the_digest_follows_the_content(tmp_path):
    first, again = load_recipe(write(tmp_path)), load_recipe(write(tmp_path))

    assert first.digest == again.digest
    assert load_recipe(write(tmp_path, version=2)).digest != first.digest


def test_unknown_names_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match="Did you mean 'wildguard'"):
        load_recipe("wildgard")
    with pytest.raises(ConfigurationError, match="and no file"):
        load_recipe(tmp_path / "none.yaml")


TEXT = MINIMAL["text"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": {"profile": {"raw": "no place"}}}, "exactly once in a frame, not 0"),
        ({"frames": {"profile": {"raw": "{text} {text}"}}}, "exactly once in a frame, not 2"),
        (
            {"frames": {"profile": {"raw": "{text}", "messages": [{"role": "user", "content": "x"}]}}},
            "exactly one",
        ),
        ({"frames": {"answer": {"raw": "{text}"}}}, "frames"),
        ({"policy": "system"}, "{policy} must stand in it"),
        ({"frames": {"profile": {"raw": "{policy} {text}"}}}, "{policy} must stand in it"),
        ({"frames": {"profile": {"raw": "{question} {text}"}}}, "text.question"),
        ({"frames": {"profile": {"raw": "{text}"}}, "runs_on": ["endpoint"]}, "not raw text"),
        ({"text": {**TEXT, "pattern": r"(?P<verdict>a|b)"}}, "anchored"),
        ({"text": {**TEXT, "pattern": r"\A(a|b)"}}, "group 'verdict'"),
        ({"text": {**TEXT, "pattern": r"\A(?P<verdict>a|b"}}, "regular expression"),
        ({"text": {**TEXT, "serve": ["a"]}}, "in one of them only"),
        ({"text": {**TEXT, "serve": ["B"]}}, "lower case"),
        ({"text": {**TEXT, "reasoning_start": "<think>"}}, "both are given or none"),
        ({"text": None}, "at least one says how answers are read"),
        ({"logit": {"yes": ["yes"], "no": ["yes"]}}, "each spelling must stand once"),
        ({"logit": {"yes": ["yes"], "no": ["no"], "min_mass": 0.2}}, "min_mass"),
        (
            {"logit": {"yes": ["y"], "no": ["n"], "refuse_from": 0.2}},
            "serve_below: 0.5 is above refuse_from: 0.2",
        ),
        ({"codes": {"S1": "violence_terrorism"}, "competent": ["child_abuse"]}, "violence_terrorism"),
        ({"codes": {"S1": "a", "s1": "b"}}, "upper and lower case"),
        ({"placement": "verbatim"}, "for classifiers"),
        ({"head": {"labels": {"1": "not_ours"}}}, "is left out"),
        ({"name": "other"}, "must be the file's name"),
        ({"surprise": 1}, "surprise"),
        ({"languages": ["english"]}, "languages"),
    ],
)
def test_faults_are_named(tmp_path, changes: dict, message: str):
    path = write(tmp_path, **changes)

    with pytest.raises(ConfigurationError) as caught:
        load_recipe(path)
    assert message in str(caught.value)
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "needed are a recipe's fields, such as 'name:' and 'frames:', and not None"),
        (b"a: [", "not valid YAML: "),
        (b"name: \xe9", "line 1 holds the byte 0xe9, which is not UTF-8"),
        ("name: mine".encode("utf-16"), "it is written in UTF-16"),
        (bytes(range(256)) * 40, "it is a binary file"),
        (b"name: mine\nname: mine\n", "name: stands twice (line 2, column 1)"),
        (b"frames: " + b"[" * 5000, "nested more than 12 levels deep"),
        (b"notes: !!python/object/apply:os.system [ls]", "is not read"),
        (b"notes: " + b"x" * 10_000_000, "larger than 1,000,000 bytes"),
        (b"notes: " + b"x" * 900_000, "not a valid recipe: name: Field required"),
        (
            b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]",
            "an alias (*) in what has an anchor (&) is not read",
        ),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path, content: bytes, message: str):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_frame_for_both_roles_is_written_once(tmp_path):
    path = write(tmp_path)
    frame = load_recipe(path).frames["profile"]
    text = path.read_text(encoding="utf-8")
    with_output = text.replace("  profile:\n", "  profile: &frame\n").replace(
        "\nlanguages", "\n  output: *frame\nlanguages"
    )
    path.write_text(with_output, encoding="utf-8")

    assert load_recipe(path).frames == {"profile": frame, "output": frame}


def test_scores_come_first():
    recipe = Recipe.model_validate({
        **MINIMAL,
        "logit": {"yes": ["y"], "no": ["n"]},
        "runs_on": ["endpoint", "model"],
    })

    assert recipe.readers == ("logit", "text", "endpoint")
