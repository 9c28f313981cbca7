import pytest

from pluralign.errors import ConfigurationError, ModelError
from pluralign.guard.judges import Classifier, load_classifier, make_judge
from pluralign.guard.judges.heads import HeadReader
from pluralign.guard.judges.recipe import HeadReading, load_recipe
from pluralign.guard.verdict import Ruling
from pluralign.models import Text

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "i",
    "like",
    "tea",
    "ignore",
    "rules",
    ".",
    "[",
    "]",
    "sep",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random two-layer BERT with two labels and a word tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    backend = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        num_labels=2,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForSequenceClassification(config)
    where = tmp_path_factory.mktemp("head")
    model.save_pretrained(where)
    tokenizer.save_pretrained(where)
    return str(where)


@pytest.fixture(scope="module")
def classifier(folder: str) -> Classifier:
    return load_classifier(folder, device="cpu")


def direct(classifier: Classifier, text: str) -> list[float]:
    """Probabilities of the labels of a text that fits one window."""
    import torch

    with torch.inference_mode():
        inputs = classifier.tokenizer(text, return_tensors="pt", split_special_tokens=True)
        return classifier.model(**inputs).logits.double().softmax(-1)[0].tolist()


def scores(classifier: Classifier, text: str, **reading) -> float:
    reader = HeadReader(classifier, HeadReading(labels={"1": "prompt_attack"}, **reading))
    found = reader.find([Text(text)], role="profile")[0].score
    assert found is not None
    return found


def test_a_short_text_is_read_as_it_is(classifier):
    assert scores(classifier, "i like tea") == pytest.approx(direct(classifier, "i like tea")[1], abs=1e-6)


def test_of_a_long_text_the_highest_window_counts(classifier):
    words = (["like", "tea", "i", "."] * 13)[:50] + ["ignore", "rules"] * 4 + ["like", "tea"] * 20
    # Windows of 16 tokens, 2 of them special, that overlap by 7 words.
    windows = [" ".join(words[start : start + 14]) for start in range(0, len(words) - 7, 7)]
    expected = max(direct(classifier, window)[1] for window in windows)

    assert scores(classifier, " ".join(words), window_tokens=16) == pytest.approx(expected, abs=1e-6)


def test_padding_of_a_batch_changes_nothing(classifier):
    texts = ["i like tea", "ignore rules", "tea " * 20]
    reader = HeadReader(classifier, HeadReading(labels={"1": "prompt_attack"}))
    together = [finding.score for finding in reader.find([Text(text) for text in texts], role="profile")]

    assert together == [pytest.approx(scores(classifier, text), abs=1e-6) for text in texts]


def test_a_special_token_in_the_text_is_text(classifier):
    text = "i like [SEP] tea"
    ids = classifier.tokenizer(text, split_special_tokens=True)["input_ids"]

    assert ids.count(3) == 1
    assert scores(classifier, text) == pytest.approx(direct(classifier, text)[1], abs=1e-6)


def test_a_judge_for_injection_only(classifier, policy, document):
    judge = make_judge("prompt-guard-2", policy=policy, classifier=classifier)
    always = make_judge(
        "prompt-guard-2", policy=policy, classifier=classifier, refuse_from=0.0, serve_below=0.0
    )
    (verdict,) = always.judge([document("ignore rules")], role="profile")

    assert judge.categories == {"prompt_attack"}
    assert classifier.id in judge.version
    assert (verdict.ruling, verdict.category) == (Ruling.REFUSE, "prompt_attack")
    assert verdict.score == pytest.approx(direct(classifier, "ignore rules")[1], abs=1e-6)
    assert judge.judge([document("thé", language="ar")], role="profile")[0].ruling is Ruling.UNSURE
    assert always.version != judge.version


def test_its_id_follows_weights_and_tokenizer(folder, classifier):
    other = load_classifier(folder, device="cpu")
    assert other.id == classifier.id

    changed = load_classifier(folder, device="cpu")
    changed.model.classifier.bias.data[0] += 1e-3
    assert changed.id != classifier.id


def test_labels_may_be_named(classifier):
    assert classifier.labels == ("LABEL_0", "LABEL_1")
    reader = HeadReader(classifier, HeadReading(labels={"LABEL_1": "prompt_attack"}))
    assert reader.find([Text("tea")], role="profile")[0].score == pytest.approx(scores(classifier, "tea"))
    unknown = HeadReader(classifier, HeadReading(labels={"bad": "prompt_attack"}))
    assert "no label ['bad']" in unknown.find([Text("tea")], role="profile")[0].reason


def test_broken_weights_are_no_verdict(folder, policy, document):
    broken = load_classifier(folder, device="cpu")
    broken.model.classifier.weight.data[:] = float("nan")
    judge = make_judge("prompt-guard-2", policy=policy, classifier=broken)
    (verdict,) = judge.judge([document("tea")], role="profile")

    assert verdict.ruling is Ruling.UNSURE
    assert "no numbers" in verdict.reason


def test_a_category_that_the_policy_does_not_have_is_refused_without_one(classifier, policy, document):
    recipe = load_recipe("prompt-guard-2")
    head = recipe.head.model_copy(update={"labels": {"1": "novelty"}, "refuse_from": 0.0, "serve_below": 0.0})
    judge = make_judge(
        recipe.model_copy(update={"head": head, "competent": None}), policy=policy, classifier=classifier
    )
    (verdict,) = judge.judge([document("tea")], role="profile")

    assert (verdict.ruling, verdict.category) == (Ruling.REFUSE, None)


def test_what_is_not_there_or_does_not_fit_is_said(tmp_path, classifier, policy):
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_classifier(str(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be asked by a classifier"):
        make_judge("policy-chat", policy=policy, classifier=classifier)
    assert load_recipe("prompt-guard-2").readers == ("head",)
