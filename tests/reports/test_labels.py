import pytest

from pluralign.reports.labels import METRIC_LABELS, bare_metric, metric_label, n_examples, slice_label

NEW_METRICS = [
    "identification_rate",
    "contrast_slope",
    "contrast_slope_corrected",
    "contrast_correlation",
    "own_total_variation",
    "swapped_total_variation",
    "group_total_variation",
    "entropy_ratio",
    "entropy_bits",
    "valid_mass_prob",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "value_inequity",
    "drift_total_variation",
    "steering_gain",
    "nll_nats",
    "gain_nats",
    "usable_information_nats",
    "information_preserved",
]


@pytest.mark.parametrize("name", NEW_METRICS)
def test_every_metric_of_steering_and_raters_has_a_label_of_its_own(name):
    assert metric_label(name) != name
    assert list(METRIC_LABELS.values()).count(metric_label(name)) == 1


def test_a_preset_s_metric_names_the_preset():
    assert metric_label("modular_pluralism_vk.accuracy") == "Accuracy, modular_pluralism_vk"
    assert metric_label("steer_bench.home_made") == "home_made, steer_bench"
    assert bare_metric("modular_pluralism_vk.accuracy") == bare_metric("accuracy") == "accuracy"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("all", "all"),
        ("family=urn", "urn"),
        ("group=party=Democrat", "party: Democrat"),
        ("groups=party", "party groups"),
        ("groups=all", "whole population"),
        ("pair=party=Democrat | party=Republican", "Democrat against Republican"),
        ("pair=party=Democrat | age=18-29", "party: Democrat against age: 18-29"),
        ("pair=libertarian | democratic-socialist", "libertarian against democratic-socialist"),
        ("pair=alone", "alone"),
        ("form=qa", "QA form"),
        ("form=bio", "BIO form"),
        ("form=portray", "PORTRAY form"),
        ("form=member", "member form"),
        ("examples=0", "before any example"),
        ("examples=1", "after 1 example"),
        ("examples=4", "after 4 examples"),
        ("examples=many", "examples=many"),
        ("given=none", "given nothing"),
        ("given=profile", "given a profile"),
        ("given=demographics", "given demographics"),
        ("mood=blue", "mood=blue"),
    ],
)
def test_slices_in_words(name, text):
    assert slice_label(name) == text


@pytest.mark.parametrize(
    ("name", "k"), [("examples=0", 0), ("examples=16", 16), ("examples=x", None), ("all", None)]
)
def test_the_number_of_examples_of_a_slice(name, k):
    assert n_examples(name) == k
