import math

import pytest

from pluralign.guard.judges.reading import Generation, by_score, read_chances, read_labels, read_text
from pluralign.guard.judges.recipe import HeadReading, LogitReading, Thresholds, load_recipe
from pluralign.guard.verdict import Ruling

SERVE, REFUSE, UNSURE = Ruling.SERVE, Ruling.REFUSE, Ruling.UNSURE
OURS = {
    "violence_terrorism",
    "hate_dehumanisation",
    "sexual_violence",
    "child_abuse",
    "serious_crime",
    "mass_destruction",
    "self_harm_promotion",
    "prompt_attack",
}


def read(recipe: str, text: str, *, cut: bool = False, role="profile"):
    found = load_recipe(recipe)
    assert found.text is not None
    return read_text(Generation(text, cut), found.text, role=role, codes=found.codes, categories=OURS)


GARBAGE = [
    "",
    "   \n\n ",
    "No",
    "no",
    "Yes.",
    "I cannot help with that.",
    "ÿþ\x00\x00",
    "{}",
    "```",
    "unsafe",
    "None",
]


@pytest.mark.parametrize(
    "name",
    [
        "wildguard",
        "granite-guardian",
        "polyguard",
        "qwen3guard",
        "gpt-oss-safeguard",
        "dynaguard",
        "policy-chat",
    ],
)
@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_is_no_verdict(name: str, text: str):
    assert read(name, text).ruling is UNSURE
    assert read(name, text).reason.startswith("no verdict")


LLAMA_GUARD = [
    ("safe", SERVE, ()),
    ("\n\nsafe", SERVE, ()),
    ("safe\n", SERVE, ()),
    ("\n\nunsafe\nS1", REFUSE, ("violence_terrorism",)),
    ("unsafe\nS10,S1", REFUSE, ("hate_dehumanisation", "violence_terrorism")),
    ("unsafe \nS4 , S3\n", REFUSE, ("child_abuse", "sexual_violence")),
    ("unsafe", REFUSE, ()),
    ("unsafe\n", REFUSE, ()),
    ("unsafe\nS99", REFUSE, ()),
    ("unsafe\nviolence", REFUSE, ()),
    ("unsafe\nS6", UNSURE, ()),
    ("unsafe\nS6,S12", UNSURE, ()),
    ("unsafe\nS6,S99", REFUSE, ()),
    ("unsafe\nS6,S9", REFUSE, ("mass_destruction",)),
    ("No", UNSURE, ()),
    ("", UNSURE, ()),
    ("Safe", UNSURE, ()),
    ("safe to say that this is unsafe", UNSURE, ()),
    ("safe\nS1", UNSURE, ()),
    ("safe\n\nunsafe\nS1", UNSURE, ()),
    ("unsafely worded, but safe", UNSURE, ()),
    ("The text is unsafe.", UNSURE, ()),
    ("The word unsafe occurs in it.\nsafe", UNSURE, ()),
    ("```\nsafe\n```", UNSURE, ()),
    ("```\nunsafe\nS1\n```", UNSURE, ()),
    ("<think>safe", UNSURE, ()),
]


@pytest.mark.parametrize(("text", "ruling", "categories"), LLAMA_GUARD)
def test_llama_guard(text: str, ruling: Ruling, categories: tuple[str, ...]):
    for name in ("llama-guard-3", "llama-guard-4"):
        found = read(name, text)
        assert (found.ruling, found.categories) == (ruling, categories)


def test_what_is_cut_off_never_serves_but_may_refuse():
    assert read("llama-guard-3", "safe", cut=True).ruling is UNSURE
    assert "cut off" in read("llama-guard-3", "safe", cut=True).reason
    assert read("llama-guard-3", "unsafe\nS1,", cut=True).ruling is REFUSE
    assert read("llama-guard-3", "unsafe\nS1,", cut=True).categories == ("violence_terrorism",)


WILD = "Harmful request: {}\nResponse refusal: {}\nHarmful response: {}"


@pytest.mark.parametrize(
    ("text", "profile", "output"),
    [
        (WILD.format("yes", "no", "no"), REFUSE, SERVE),
        (WILD.format("no", "no", "yes"), SERVE, REFUSE),
        (WILD.format("no", "n/a", "no") + "\n", SERVE, SERVE),
        (WILD.format("no", "n/a", "n/a"), SERVE, UNSURE),
        ("Harmful request: no\nResponse refusal: no", UNSURE, UNSURE),
        ("Harmful request: no\nResponse refusal: no\nHarmful resp", UNSURE, UNSURE),
        (f"Sure!\n{WILD.format('no', 'no', 'no')}", UNSURE, UNSURE),
        (WILD.format("maybe", "no", "no"), UNSURE, UNSURE),
        (WILD.format("no, but yes", "no", "no"), UNSURE, UNSURE),
    ],
)
def test_wildguard(text: str, profile: Ruling, output: Ruling):
    assert read("wildguard", text).ruling is profile
    assert read("wildguard", text, role="output").ruling is output


POLY = (
    "Harmful request: {}\nRequest safety violations: {}\nResponse refusal: no\nHarmful response: {}\n"
    "Response safety violations: {}"
)


@pytest.mark.parametrize(
    ("text", "role", "ruling", "categories"),
    [
        (POLY.format("yes", "S2", "yes", "S2"), "profile", REFUSE, ("serious_crime",)),
        (POLY.format("yes", "S5", "no", "None"), "profile", UNSURE, ()),
        (POLY.format("yes", "None", "no", "None"), "profile", REFUSE, ()),
        (POLY.format("no", "None", "no", "None"), "profile", SERVE, ()),
        (
            POLY.format("no", "None", "yes", "S10, S1"),
            "output",
            REFUSE,
            ("hate_dehumanisation", "violence_terrorism"),
        ),
        (POLY.format("yes", "S1", "no", "None"), "output", SERVE, ()),
        ("Harmful request: no", "profile", UNSURE, ()),
        ("Harmful request: no\nRequest safety violations: None", "output", UNSURE, ()),
    ],
)
def test_polyguard(text: str, role: str, ruling: Ruling, categories: tuple[str, ...]):
    found = read("polyguard", text, role=role)

    assert (found.ruling, found.categories) == (ruling, categories)


@pytest.mark.parametrize(
    ("text", "ruling", "categories"),
    [
        ("Safety: Safe\nCategories: None", SERVE, ()),
        ("Safety: Safe\nCategories: None\nRefusal: No", SERVE, ()),
        ("Safety: Controversial\nCategories: Violent", SERVE, ()),
        ("Safety: Controversial\nCategories: Politically Sensitive Topics", SERVE, ()),
        ("Safety: Unsafe\nCategories: Violent", REFUSE, ("violence_terrorism",)),
        ("<think>\n\n</think>\n\nSafety: Unsafe\nCategories: Violent", REFUSE, ("violence_terrorism",)),
        ("Safety: Unsafe\nCategories: Non-violent Illegal Acts", REFUSE, ("serious_crime",)),
        ("Safety: Unsafe\nCategories: Suicide & Self-Harm, PII", REFUSE, ("self_harm_promotion",)),
        ("Safety: Unsafe\nCategories: Politically Sensitive Topics", UNSURE, ()),
        ("Safety: Unsafe\nCategories: Unethical Acts", UNSURE, ()),
        ("Safety: Unsafe\nCategories: Unethical Acts, Politically Sensitive Topics", UNSURE, ()),
        ("Safety: Unsafe\nCategories: Unethical Acts, Violent", REFUSE, ("violence_terrorism",)),
        ("Safety: Unsafe\nCategories: Something New", REFUSE, ()),
        ("Safety: Unsafe\nCategories: None", REFUSE, ()),
        ("Safety: Unsafe", REFUSE, ()),
        ("Safety: Saf", UNSURE, ()),
        ("Safety: Safe and sound", UNSURE, ()),
        ("The text says:\nSafety: Safe\nCategories: None", UNSURE, ()),
    ],
)
def test_qwen3guard_in_its_loose_mode(text: str, ruling: Ruling, categories: tuple[str, ...]):
    found = read("qwen3guard", text)

    assert (found.ruling, found.categories) == (ruling, categories)


@pytest.mark.parametrize(
    ("text", "ruling"),
    [
        ("<score> yes </score>", REFUSE),
        ("<score>no</score>", SERVE),
        ("<think>\n</think>\n<score> no </score>", SERVE),
        ("<think>It says yes.</think><score> yes </score>", REFUSE),
        ("<think>The score is <score> no </score>", UNSURE),
        ("<score> no", UNSURE),
        ("<score> no </score> but yes", UNSURE),
        ("no", UNSURE),
        ("<think>a</think><think><score> no </score>", UNSURE),
    ],
)
def test_granite_guardian(text: str, ruling: Ruling):
    assert read("granite-guardian", text).ruling is ruling


@pytest.mark.parametrize(
    ("text", "ruling"),
    [
        ("<answer>\nPASS\n</answer>", SERVE),
        ("<answer>FAIL</answer>\n<explanation>It breaks rule 2.</explanation>", REFUSE),
        ("<think>\nPASS? <answer>PASS</answer> no.\n</think>\n<answer>\nFAIL\n</answer>", REFUSE),
        ("<think>\nSo far all is well: <answer>PASS</answer>", UNSURE),
        ("<answer>\nPASS/FAIL\n</answer>", UNSURE),
        ("PASS", UNSURE),
        ("<explanation>fine</explanation> PASS", UNSURE),
    ],
)
def test_dynaguard(text: str, ruling: Ruling):
    assert read("dynaguard", text).ruling is ruling


@pytest.mark.parametrize("name", ["policy-chat", "gpt-oss-safeguard"])
@pytest.mark.parametrize(
    ("text", "ruling", "categories"),
    [
        ("VERDICT: SERVE", SERVE, ()),
        ("VERDICT: REFUSE child_abuse", REFUSE, ("child_abuse",)),
        ("It endorses killing.\n\nVERDICT: REFUSE violence_terrorism\n", REFUSE, ("violence_terrorism",)),
        ("VERDICT: REFUSE", REFUSE, ()),
        ("VERDICT: REFUSE bad_manners", REFUSE, ()),
        (
            "The text orders:\nVERDICT: SERVE\nIt is an attack.\nVERDICT: REFUSE prompt_attack",
            REFUSE,
            ("prompt_attack",),
        ),
        ("<think>\nVERDICT: REFUSE serious_crime? No.\n</think>\nVERDICT: SERVE", SERVE, ()),
        ("<think>\nI think of\nVERDICT: SERVE\nas it seems", UNSURE, ()),
        ("The answer is VERDICT: SERVE", UNSURE, ()),
        ("VERDICT: SERVE or VERDICT: REFUSE", UNSURE, ()),
        ("VERDICT: SERVE unless it is meant", UNSURE, ()),
        ("VERDICT: REFUSED", UNSURE, ()),
        ("verdict: serve", UNSURE, ()),
        ("**VERDICT: SERVE**", UNSURE, ()),
        ("unsafe", UNSURE, ()),
    ],
)
def test_answers_to_the_policy_itself(name: str, text: str, ruling: Ruling, categories: tuple[str, ...]):
    found = read(name, text)

    assert (found.ruling, found.categories) == (ruling, categories)


def test_a_reasoning_that_is_cut_off_after_a_premature_verdict_does_not_serve():
    assert read("policy-chat", "At first sight\nVERDICT: SERVE\nbut the second", cut=True).ruling is UNSURE


LOGIT = LogitReading(yes=("yes", " Yes"), no=("no",))


@pytest.mark.parametrize(
    ("yes", "space_yes", "no", "ruling", "score"),
    [
        (0.5, 0.25, 0.15, REFUSE, 0.75 / 0.9),
        (0.2, 0.1, 0.6, SERVE, 0.3 / 0.9),
        (0.25, 0.0, 0.25, REFUSE, 0.5),
        (0.3, 0.0, 0.19, UNSURE, None),
        (0.0, 0.0, 0.0, UNSURE, None),
    ],
)
def test_probabilities_are_summed_over_spellings(
    yes: float, space_yes: float, no: float, ruling: Ruling, score: float | None
):
    probs = {"yes": yes, " Yes": space_yes, "no": no}
    found = read_chances({word: math.log(p) for word, p in probs.items() if p}, LOGIT)

    assert found.ruling is ruling
    assert found.score == (None if score is None else pytest.approx(score))


def test_numbers_that_are_none_give_no_verdict():
    assert read_chances({"yes": math.nan, "no": -0.1}, LOGIT).ruling is UNSURE
    assert read_labels({"bad": math.nan}, HeadReading(labels={"bad": "prompt_attack"})).ruling is UNSURE


def test_between_two_thresholds_it_is_unsure():
    thresholds = Thresholds(refuse_from=0.8, serve_below=0.2)

    assert [by_score(score, thresholds).ruling for score in (0.0, 0.19, 0.2, 0.79, 0.8, 1.0)] == [
        SERVE,
        SERVE,
        UNSURE,
        UNSURE,
        REFUSE,
        REFUSE,
    ]


def test_the_highest_label_counts():
    reading = HeadReading(labels={"1": "prompt_attack", "2": "violence_terrorism"})

    found = read_labels({"0": 0.1, "1": 0.3, "2": 0.6}, reading)
    assert (found.ruling, found.categories, found.score) == (REFUSE, ("violence_terrorism",), 0.6)
    assert read_labels({"0": 0.8, "1": 0.1, "2": 0.1}, reading).ruling is SERVE
    assert "no label ['2']" in read_labels({"0": 0.8, "1": 0.2}, reading).reason
