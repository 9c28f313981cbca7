import json
import math

import numpy as np
import pytest

from pluralign.data.lint import lint
from pluralign.data.pew import load_pew
from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import split_half_ceiling, total_variation, wasserstein_ordinal
from pluralign.records import Option, Severity

SCALES = {
    "TAX": {"options": ["Too high", "Yes, fair", "Not sure", "Refused"], "ordinal": [1.0, 2.0]},
    "SURE": {"options": ["Sure", "Not sure", "Other", "Refused"], "ordinal": [1, 2]},
}
PROMPTS = [
    {
        "attribute": "POLPARTY",
        "bio_prompt": "Describe yourself. Description: I consider myself a",
        "qa_prompt": "Do you consider yourself a",
        "portray_prompt": "Answer as if you considered yourself a",
        "options": "['Republican', 'Democrat']",
        "no_prompt": "",
    },
    {
        "attribute": "CREGION",
        "bio_prompt": "I live in the",
        "qa_prompt": "Where do you live?",
        "portray_prompt": "Answer as if you lived in the",
        "options": ["South"],
    },
]


def item(text, options, **cells):
    return {"question_text": text, "MC_options": options, **cells}


TAX_BY_PARTY = item(
    "Is the tax fair?",
    ["Too high", "Ye", "fair", "Not sure", "Refused"],
    Democrat={"Too high": 3.0, "Yes, fair": 5.0, "Refused": 1.0},
    Republican={"Too high": 7, "Not sure": 2},
    Other={},
)
TAX_BY_SEX = item(TAX_BY_PARTY["question_text"], TAX_BY_PARTY["MC_options"], Female={"Too high": 4})
SURE_BY_PARTY = item("Are you sure?", SCALES["SURE"]["options"], Democrat={"Sure": 1, "Not sure": 2})


@pytest.fixture
def write(tmp_path):
    """Writes the files of a survey and returns its folder."""

    def _write(*, scales=SCALES, prompts=None, **sheets):
        folder = tmp_path / "survey"
        folder.mkdir()
        for name, content in sheets.items():
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        (tmp_path / "question_ordinals.json").write_text(json.dumps(scales), encoding="utf-8")
        if prompts is not None:
            (tmp_path / "steering_prompts.json").write_text(json.dumps(prompts), encoding="utf-8")
        return folder

    return _write


def faults(loaded):
    return [(found.fault, found.severity.value, found.question_id, found.group) for found in loaded.findings]


def test_the_wave_is_the_topic(write):
    scales = dict.fromkeys(("GAP21Q33_g_W82", "SURE", "A_W9_b"), SCALES["SURE"])
    loaded = load_pew(path=write(scales=scales, POLPARTY=dict.fromkeys(scales, SURE_BY_PARTY)))
    assert {question.id: question.topic for question in loaded.questions.questions} == {
        "GAP21Q33_g_W82": "wave 82",
        "SURE": None,
        "A_W9_b": None,
    }


def test_files_merge_into_one_question_with_the_options_of_the_ordinals(write):
    loaded = load_pew(
        path=write(POLPARTY={"TAX": TAX_BY_PARTY, "SURE": SURE_BY_PARTY}, SEX={"TAX": TAX_BY_SEX})
    )
    tax, sure = loaded.questions.questions
    assert (tax.id, tax.text) == ("TAX", "Is the tax fair?")
    assert tax.options == (
        Option(text="Too high", value=1),
        Option(text="Yes, fair", value=2),
        Option(text="Not sure", refusal=True),
        Option(text="Refused", refusal=True),
    )
    assert tax.counts == {
        "party=Democrat": (3, 5, 0, 1),
        "party=Republican": (7, 0, 2, 0),
        "party=Other": (0, 0, 0, 0),
        "sex=Female": (4, 0, 0, 0),
    }
    assert tax.groups == ("party=Democrat", "party=Republican", "sex=Female")
    # On the scale "Not sure" is an answer; off it, an option that does not refuse is only without a place.
    assert [(option.value, option.refusal) for option in sure.options[1:]] == [
        (2, False),
        (None, False),
        (None, True),
    ]
    assert loaded.questions.id == "pew-survey"
    assert "none stated" in loaded.questions.source
    assert faults(loaded) == [
        ("options_mismatch", "note", "TAX", None),
        ("missing_question", "note", "SURE", None),
    ]
    assert loaded.findings[0].detail.startswith("MC_options lack ['Yes, fair']")
    assert loaded.findings[1].where.endswith("SEX.json")


def test_groups_complete_people_who(write):
    sheet = item("Warm?", ["Sure", "Not sure"], South={"Sure": 1})
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY}, CREGION={"SURE": sheet}, prompts=PROMPTS)
    texts = {group.id: group.text for group in load_pew(path=folder).questions.groups}
    assert texts == {
        "cregion=South": 'answer "South" when asked "Where do you live?"',
        "party=Democrat": "identify as Democrats",
        "party=Republican": "identify as Republicans",
        "party=Other": "identify as neither Democrats, Republicans nor Independents",
    }


def test_an_attribute_without_words_or_prompts_still_has_a_text(write):
    sheet = item("Warm?", ["Sure", "Not sure"], South={"Sure": 1})
    loaded = load_pew(path=write(CREGION={"SURE": sheet}))
    assert loaded.questions.groups[0].text == 'answer "South" when asked about CREGION'
    assert loaded.questions.groups[0].personas == {}


def test_personas_are_worded_as_published(write):
    groups = load_pew(path=write(POLPARTY={"TAX": TAX_BY_PARTY}, prompts=PROMPTS)).questions.groups
    assert groups[0].personas == {
        "qa": "Question: Do you consider yourself a\nA. Republican\nB. Democrat\nAnswer: B",
        "bio": "Describe yourself. Description: I consider myself a Democrat.",
        "portray": "Answer as if you considered yourself a Democrat.",
    }
    # The prompts do not list it, so that no wording was published.
    assert (groups[2].id, groups[2].personas) == ("party=Other", {})


def test_files_named_by_the_caller(write, tmp_path):
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY}, scales={})
    scales, prompts = tmp_path / "mine.json", tmp_path / "prompts.json"
    scales.write_text(json.dumps(SCALES), encoding="utf-8")
    prompts.write_text(json.dumps(PROMPTS), encoding="utf-8")
    loaded = load_pew(path=str(folder), ordinals=str(scales), personas=prompts)
    assert len(loaded.questions.questions) == 1
    assert set(loaded.questions.groups[0].personas) == {"qa", "bio", "portray"}


def test_a_choice_of_groups(write):
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY, "SURE": SURE_BY_PARTY}, SEX={"TAX": TAX_BY_SEX})
    chosen = load_pew(path=folder, groups=["sex", "party=Republican", "sex=Female"]).questions
    assert [group.id for group in chosen.groups] == ["sex=Female", "party=Republican"]
    # Neither group was asked the other question.
    assert [question.id for question in chosen.questions] == ["TAX"]
    assert list(chosen.questions[0].counts) == ["sex=Female", "party=Republican"]
    with pytest.raises(ConfigurationError, match=r"Unknown Pew group 'party=Democrats'. Did you mean"):
        load_pew(path=folder, groups=["party=Democrats"])


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        ({"Sure": -1}, "Democrat.Sure: Input should be greater than or equal to 0 (given: -1)"),
        ({"Sure": math.nan}, "Democrat.Sure: Input should be a finite number (given: nan)"),
        ({"Sure": "many"}, "Democrat.Sure: Input should be a valid number"),
        ([1, 2], "Democrat: Input should be a valid dictionary"),
    ],
)
def test_a_malformed_question_is_named_and_the_rest_kept(write, cells, detail):
    broken = item("Are you sure?", ["Sure"], Democrat=cells)
    loaded = load_pew(path=write(POLPARTY={"SURE": broken, "TAX": TAX_BY_PARTY}))
    assert [question.id for question in loaded.questions.questions] == ["TAX"]
    assert faults(loaded)[0] == ("malformed", "unusable", "SURE", None)
    assert loaded.findings[0].detail.startswith(detail)
    assert loaded.findings[0].where.endswith("POLPARTY.json")


def test_a_count_under_no_option(write):
    stray = item("Are you sure?", ["Sure"], Democrat={"Sure": 1}, Republican={"Perhaps": 3})
    loaded = load_pew(path=write(POLPARTY={"SURE": stray, "TAX": TAX_BY_PARTY}))
    assert [question.id for question in loaded.questions.questions] == ["TAX"]
    assert faults(loaded)[0] == ("unknown_option", "unusable", "SURE", "party=Republican")
    assert loaded.findings[0].detail.startswith("counts under ['Perhaps'], which are not among the options")


@pytest.mark.parametrize("change", [{"question_text": "Is it?"}, {"MC_options": ["Too high", "Yes, fair"]}])
def test_files_that_differ_on_a_question(write, change):
    other = TAX_BY_SEX | change
    loaded = load_pew(path=write(POLPARTY={"TAX": TAX_BY_PARTY, "SURE": SURE_BY_PARTY}, SEX={"TAX": other}))
    assert [question.id for question in loaded.questions.questions] == ["SURE"]
    assert faults(loaded)[0] == ("files_differ", "unusable", "TAX", None)
    assert "POLPARTY.json has 'Is the tax fair?'" in loaded.findings[0].detail


@pytest.mark.parametrize(
    ("scale", "fault", "detail"),
    [
        (None, "no_ordinals", "question_ordinals.json lacks its options"),
        ({"options": ["Sure"], "ordinal": [1, 2]}, "malformed", "ordinal: 2 values for 1 options"),
        (
            {"options": ["Sure", "Sure"], "ordinal": [1]},
            "malformed",
            "options: ['Sure'] occur more than once",
        ),
        (
            {"options": ["Sure"], "ordinal": [math.inf]},
            "malformed",
            "ordinal.0: Input should be a finite number",
        ),
        ({"options": [], "ordinal": []}, "malformed", "options: Tuple should have at least 1 item"),
    ],
)
def test_a_question_without_usable_options(write, scale, fault, detail):
    scales = {"TAX": SCALES["TAX"]} | ({} if scale is None else {"SURE": scale})
    loaded = load_pew(path=write(POLPARTY={"TAX": TAX_BY_PARTY, "SURE": SURE_BY_PARTY}, scales=scales))
    assert [question.id for question in loaded.questions.questions] == ["TAX"]
    (found,) = (finding for finding in loaded.findings if finding.question_id == "SURE")
    assert (found.fault, found.severity) == (fault, Severity.UNUSABLE)
    assert detail in found.detail


def test_no_question_left(write):
    folder = write(POLPARTY={"SURE": SURE_BY_PARTY}, scales={})
    with pytest.raises(DataError, match=r"survey: holds no usable question\. The first fault: .*, SURE: "):
        load_pew(path=folder)


def test_a_folder_without_files(tmp_path):
    with pytest.raises(DataError, match=r"no such folder, or without files such as POLPARTY\.json"):
        load_pew(path=tmp_path / "nowhere")


def test_a_file_that_is_missing(write, tmp_path):
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY})
    with pytest.raises(DataError, match=r"lost\.json: cannot be read"):
        load_pew(path=folder, personas=tmp_path / "lost.json")
    (tmp_path / "question_ordinals.json").unlink()
    with pytest.raises(DataError, match=r"question_ordinals\.json: cannot be read"):
        load_pew(path=folder)


@pytest.mark.parametrize("content", ["[]", '{" ": 1}'])
def test_a_file_of_another_form(write, content):
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY})
    (folder / "SEX.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"SEX\.json: a JSON object is needed that maps each question's id"):
        load_pew(path=folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [("['South'", "0.options: no list or mapping"), (7, "0.options: Input should be a valid tuple")],
)
def test_prompts_of_another_form(write, options, message):
    folder = write(POLPARTY={"TAX": TAX_BY_PARTY}, prompts=[PROMPTS[0] | {"options": options}])
    with pytest.raises(DataError, match=r"steering_prompts\.json: not a list of persona prompts: ") as error:
        load_pew(path=folder)
    assert message in str(error.value)


# Published figures in the digits given. Those of the split halves are of a single split, whose standard deviation
# over seeds is .0007: .047 lies 2.3 of them above the mean over seeds, .0454.
SPLIT_HALF_TOLERANCE = 0.002
N_SPLITS = 50
PARTIES = ("party=Democrat", "party=Republican")
SEXES = ("sex=Male", "sex=Female")
RACES = ("race=Black", "race=White")
TABLE = [
    (500, PARTIES, 0.8307, 485, 0.024, 0.012, 0.2454, 0.047),
    (500, SEXES, 0.9452, 477, 0.019, 0.013, 0.0865, 0.035),
    (500, RACES, 0.9044, 486, 0.027, 0.014, 0.1495, 0.054),
    (100, PARTIES, 0.8073, 98, 0.023, 0.015, 0.2736, 0.044),
    (100, SEXES, 0.9430, 95, 0.019, 0.017, 0.0904, 0.037),
    (100, RACES, 0.8981, 98, 0.027, 0.017, 0.1610, 0.053),
]


@pytest.fixture(scope="module")
def published(shared_data):
    return {size: load_pew(path=shared_data / "opinionqa_pew" / f"contentious_{size}") for size in (100, 500)}


@pytest.mark.parametrize(("size", "pair", "alignment", "n", "half", "refusal", "tv", "half_tv"), TABLE)
def test_distances_and_ceilings_of_the_published_questions(
    published, size, pair, alignment, n, half, refusal, tv, half_tv
):
    distances, halves, refused = [], [], []
    tvs, tv_halves = [], []
    for seed, question in enumerate(published[size].questions.questions):
        counts = [np.array(question.counts[group]) for group in pair]
        on_scale = np.array([option.value is not None for option in question.options])
        values = [option.value for option in question.options if option.value is not None]
        if min(cell.sum() for cell in counts) >= 4:
            tvs.append(total_variation(*(cell / cell.sum() for cell in counts)))
            for g, cell in enumerate(counts):
                tv_halves.append(
                    split_half_ceiling(cell, total_variation, n_splits=N_SPLITS, seed=2 * seed + g)
                )
        substantive = [cell[on_scale] for cell in counts]
        if len(set(values)) < 2 or min(cell.sum() for cell in substantive) < 10:
            continue

        def w1(p, q, values=values):
            return wasserstein_ordinal(p, q, values)

        distances.append(w1(*(cell / cell.sum() for cell in substantive)))
        for g, cell in enumerate(substantive):
            halves.append(split_half_ceiling(cell, w1, n_splits=N_SPLITS, seed=2 * seed + g))
            refused.append(1 - cell.sum() / counts[g].sum())
    assert len(distances) == n
    assert 1 - np.mean(distances) == pytest.approx(alignment, abs=5e-5)
    assert np.mean(halves) == pytest.approx(half, abs=SPLIT_HALF_TOLERANCE)
    assert np.mean(refused) == pytest.approx(refusal, abs=5.5e-4)
    assert np.mean(tvs) == pytest.approx(tv, abs=5e-5)
    assert np.mean(tv_halves) == pytest.approx(half_tv, abs=SPLIT_HALF_TOLERANCE)


def test_uniform_over_the_options_that_a_group_gave(published):
    distances = []
    for question in published[100].questions.questions:
        for group in (*PARTIES, *SEXES, *RACES):
            given = np.array([count for count in question.counts[group] if count])
            if given.size:
                distances.append(
                    total_variation(given / given.sum(), np.full(given.size, 1 / given.size)).item()
                )
    assert len(distances) == 599
    assert np.mean(distances) == pytest.approx(0.3631, abs=5e-5)


@pytest.mark.parametrize(
    ("size", "n_questions", "n_mismatches", "empty"),
    [
        (100, 100, 14, {("FEM2_W29", "sex=Male")}),
        (
            500,
            494,
            76,
            {("FEM2_W29", "sex=Male"), ("SEENFEM_W29", "sex=Male"), ("GOPDIRCT_W29", "party=Democrat")},
        ),
    ],
)
def test_faults_of_the_published_files(published, size, n_questions, n_mismatches, empty):
    loaded = published[size]
    assert len(loaded.questions.questions) == n_questions
    assert [found.fault for found in loaded.findings] == ["options_mismatch"] * n_mismatches
    named = {found.question_id for found in loaded.findings}
    assert {"JOBTRAIN_W54", "GROWUPGUN2A_W26"} & {q.id for q in loaded.questions.questions} <= named
    empties = {
        (found.question_id, found.group)
        for found in lint(loaded.questions)
        if found.fault == "empty_group" and found.group in (*PARTIES, *SEXES, *RACES)
    }
    assert empties == empty


def test_scales_of_the_published_questions(published):
    questions = published[500].questions.questions
    scales = [[option.value for option in question.options] for question in questions]
    assert sum(len({value for value in scale if value is not None}) == 1 for scale in scales) == 8
    off_scale = [[option for option in q.options if option.value is None] for q in questions]
    assert sum(len(options) == 2 for options in off_scale) == 12
    assert all(option.refusal for options in off_scale for option in options)


def test_persona_prompts_of_the_published_groups(published):
    groups = {group.id: group for group in published[100].questions.groups}
    assert groups["race=Black"].personas["qa"] == (
        "Question: Which race or ethnicity do you identify with?\n"
        "A. White\nB. Black\nC. Asian\nD. Hispanic\nE. Other\nAnswer: B"
    )
    assert groups["sex=Female"].personas["bio"].endswith("Description: I identify as Female.")
    assert all(group.text for group in groups.values())
    assert sorted(group.id for group in groups.values() if not group.personas) == [
        "party=Other",
        "party=Refused",
        "race=Mixed Race",
        "race=Refused",
    ]
