"""Metrics and slices in words."""

METRIC_LABELS = {
    "total_variation": "Total variation",
    "js_divergence_bits": "Jensen-Shannon divergence",
    "js_divergence_nats": "Jensen-Shannon divergence",
    "js_distance_base2": "Jensen-Shannon distance, base 2",
    "js_distance_nats": "Jensen-Shannon distance, base e",
    "wasserstein_ordinal": "Wasserstein distance on the scale",
    "js_divergence_bits_corrected": "Jensen-Shannon divergence, bias-corrected",
    "js_divergence_nats_smoothed": "Jensen-Shannon divergence, smoothed",
    "kl_divergence_nats": "Kullback-Leibler divergence",
    "mode_match": "Mode match",
    "entropy_ratio": "Entropy, model over people",
    "refusal_mass_prob": "Mass on refusals",
    "valid_mass_prob": "Valid mass",
    "order_sensitivity": "Order sensitivity",
    "entropy_bits": "Entropy",
    "identification_rate": "Identification rate",
    "contrast_slope": "Contrast slope",
    "contrast_slope_corrected": "Contrast slope, noise-corrected",
    "contrast_correlation": "Contrast correlation",
    "own_total_variation": "Distance to own group",
    "swapped_total_variation": "Distance to other group",
    "group_total_variation": "Distance between groups",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "value_inequity": "Value inequity",
    "drift_total_variation": "Drift where groups agree",
    "steering_gain": "Gain over unsteered",
    "nll_nats": "Negative log-likelihood",
    "gain_nats": "Gain from examples",
    "usable_information_nats": "Usable information",
    "information_preserved": "Information preserved",
    "interpretability": "Interpretability of profiles",
    "coverage": "Coverage",
    "weighted_coverage": "Coverage weighted by people",
    "one_to_one_coverage": "Coverage, one sentence a view",
    "coverage_per_100_tokens": "Coverage per 100 tokens",
    "coverage_at_equal_length": "Coverage at equal length",
    "union_coverage": "Coverage by any of several answers",
    "precision": "Precision",
    "balance": "Balance of space",
    "evenness": "Evenness of space",
    "denied_share": "Views denied and not stated",
    "response_tokens": "Length of a response",
    "truncated_share": "Responses cut by the limit",
    "accuracy_at_033": "Accuracy@0.33",
    "coverage_std": "Standard deviation of coverage",
    "yield": "Yield",
    "valid_share": "Right answers",
    "unique_share": "Different among right answers",
    "collision_prob": "Collision of right answers",
    "list_share": "Right answers found of all",
    "empty_share": "Empty answers",
    "unparsed_share": "Answers in unreadable replies",
    "intra_similarity": "Similarity within a prompt",
    "cross_prompt_floor": "Similarity between prompts",
    "similarity_above_floor": "Similarity above the floor",
    "prompts_above_08": "Prompts with similarity above 0.8",
    "pairs_above_08": "Pairs with similarity above 0.8",
    "vendi_score": "Vendi score",
    "distinct": "Distinct answers",
    "novelty_utility": "Utility, NoveltyBench",
    "degenerate_share": "Empty or repeating answers",
    "repeating_share": "Repeating answers",
    "mean_words": "Length of an answer",
    "inter_model_similarity": "Similarity between models",
    "models_among_nearest": "Models among the nearest answers",
    "loss_geq_1": "Loss after the first output",
    "text_loss_geq_1": "Loss after the first output, without what ends it",
    "accuracy_geq_1": "Accuracy after the first output",
    "first_token_accuracy_geq_1": "First-token accuracy after the first output",
    "token_accuracy_geq_1": "Token accuracy after the first output",
    "ece": "Expected calibration error",
    "answer_nll_nats": "Negative log-likelihood of the right result",
    "marked_accuracy": "Accuracy, marked results alone",
    "unreadable_share": "Replies without a result",
    "right_option_prob": "Probability of the right option",
    "right_option_nll_nats": "Negative log-likelihood of the right option",
    "right_answer_prob": "Probability of the right option, before normalising",
    "overton_score": "OvertonScore",
    "overton_score_weighted": "OvertonScore weighted by people",
}
FORMS = {"qa": "QA form", "bio": "BIO form", "portray": "PORTRAY form"}
GIVEN = {"none": "given nothing", "profile": "given a profile"}
PAIR_SEPARATOR = " | "


def bare_metric(name: str) -> str:
    """The metric of an estimate's name without the preset: "opinionqa.accuracy" is "accuracy"."""
    return name.rpartition(".")[2]


def metric_label(name: str) -> str:
    """A metric's label, or its name where it has none; "preset.metric" is the metric as the preset has it."""
    preset, _, metric = name.rpartition(".")
    label = METRIC_LABELS.get(metric, metric)
    return f"{label}, {preset}" if preset else label


def slice_kind(name: str) -> str:
    """What a slice is: "all", "family", "groups", "group", "pair", "form", "examples", "given"."""
    return name.partition("=")[0]


def n_examples(name: str) -> int | None:
    """The number of examples of a slice "examples=4"; None for any other slice."""
    kind, _, value = name.partition("=")
    return int(value) if kind == "examples" and value.isdecimal() else None


def slice_label(name: str) -> str:
    """A slice in words: "family=urn" is "urn", "examples=4" is "after 4 examples"."""
    kind, _, value = name.partition("=")
    k = n_examples(name)
    if kind == "samples":
        return "one answer" if value == "1" else f"any of {value} answers"
    if k is not None:
        return "before any example" if k == 0 else f"after {k:,} example{'' if k == 1 else 's'}"
    if not value:
        return name
    match kind:
        case "groups":
            return "whole population" if value == "all" else f"{value} groups"
        case "family" | "group":
            return "whole population" if value == "all" else _plain(value)
        case "pair":
            first, _, second = value.partition(PAIR_SEPARATOR)
            return pair_label(first, second) if second else _plain(value)
        case "form":
            return FORMS.get(value, f"{value} form")
        case "given":
            return GIVEN.get(value, f"given {value}")
        case _:
            return name


def pair_label(first: str, second: str) -> str:
    """Two groups' ids in words: "Democrat against Republican", the grouping only where it tells them apart."""
    (grouping, _, one), (other, _, two) = first.partition("="), second.partition("=")
    if one and two and grouping == other:
        return f"{one} against {two}"
    return f"{_plain(first)} against {_plain(second)}"


def _plain(value: str) -> str:
    return value.replace("=", ": ")
