"""A tiny random classifier saved by the test stands for an NLI model: no trained NLI weights were exercised."""

import re
from pathlib import Path

import numpy as np
import pytest

from pluralign.errors import ConfigurationError, ModelError
from pluralign.judges import Pair, load_entailment
from pluralign.judges.cross_encoder import CrossEncoderEntailment, NliLabels, load_cross_encoder, read_labels

WORDS = re.findall(
    r"\S+", "taxes are theft wrong good cats bread is baked the a people say that fair not and of . ,"
)
NAMES = {0: "contradiction", 1: "entailment", 2: "neutral"}
PAIRS = [
    Pair("taxes are theft .", "taxes are wrong ."),
    Pair("bread is baked .", "cats are good ."),
    Pair("people say that taxes are fair , and that cats are good .", "taxes are not wrong ."),
    Pair("a", "a"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    where = tmp_path_factory.mktemp("nli")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (where / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        initializer_range=0.5,
        id2label=NAMES,
        label2id={name: index for index, name in NAMES.items()},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(where)
    BertTokenizerFast(str(where / "vocab.txt"), model_max_length=32).save_pretrained(where)
    return where


@pytest.fixture(scope="module")
def judge(folder: Path) -> CrossEncoderEntailment:
    return load_cross_encoder(str(folder), device="cpu")


def one_by_one(judge: CrossEncoderEntailment, pairs: list[Pair]) -> np.ndarray:
    """Each pair alone, by transformers itself."""
    import torch

    rows = []
    for premise, hypothesis in pairs:
        batch = judge.tokenizer(premise, hypothesis, return_tensors="pt")
        with torch.inference_mode():
            rows.append(judge.model(**batch).logits.softmax(-1)[0].tolist())
    return np.array(rows)


def test_batches_give_what_single_pairs_give(judge: CrossEncoderEntailment):
    found = judge.entail(PAIRS)
    probs = one_by_one(judge, PAIRS)
    np.testing.assert_allclose([each.entailment_prob for each in found], probs[:, 1], atol=1e-5)
    np.testing.assert_allclose([each.contradiction_prob for each in found], probs[:, 0], atol=1e-5)
    assert np.ptp(probs[:, 1]) > 0.01
    judge.batch_tokens = 8
    np.testing.assert_allclose([each.entailment_prob for each in judge.entail(PAIRS)], probs[:, 1], atol=1e-5)


def test_the_premise_is_what_is_asked_to_state_the_hypothesis(judge: CrossEncoderEntailment):
    forth, back = judge.entail([PAIRS[0], Pair(*reversed(PAIRS[0]))])
    assert forth != back


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({0: "contradiction", 1: "entailment", 2: "neutral"}, (1, 0)),
        ({0: "ENTAILMENT", 1: "NEUTRAL", 2: "CONTRADICTION"}, (0, 2)),
        ({0: "entailment", 1: "not_entailment"}, (0, None)),
        ({0: "Contradictory", 1: "neither", 2: " entails"}, (2, 0)),
    ],
)
def test_labels_are_read_in_any_order_and_case(names, labels):
    assert read_labels(names, model="m") == NliLabels(*labels)


@pytest.mark.parametrize("names", [{0: "LABEL_0", 1: "LABEL_1"}, {0: "entailment", 1: "entailed"}])
def test_labels_that_say_nothing_are_refused(names):
    with pytest.raises(ConfigurationError, match=r"labels of m are .*labels=NliLabels\("):
        read_labels(names, model="m")


def test_labels_can_be_given(folder: Path, judge: CrossEncoderEntailment):
    other = load_cross_encoder(str(folder), device="cpu", labels=NliLabels(entailment=2, contradiction=None))
    (verdict,) = other.entail(PAIRS[:1])
    assert verdict.entailment_prob == pytest.approx(one_by_one(judge, PAIRS[:1])[0, 2], abs=1e-5)
    assert verdict.contradiction_prob == 0
    assert other.fingerprint() != judge.fingerprint()


@pytest.mark.parametrize("labels", [NliLabels(3, 0), NliLabels(1, 1), NliLabels(1, -1)])
def test_labels_that_are_not_there_are_refused(folder: Path, labels: NliLabels):
    with pytest.raises(ConfigurationError, match="outputs 0 to 2"):
        load_cross_encoder(str(folder), device="cpu", labels=labels)


def test_a_long_premise_is_cut_counted_and_warned_of(folder: Path):
    judge = load_cross_encoder(str(folder), device="cpu")
    hypothesis = "cats are good ."
    long, cut = Pair("the people say " * 20, hypothesis), Pair("the people say " * 8 + "the", hypothesis)
    with pytest.warns(UserWarning, match="premise of 1 of 2 pairs was cut"):
        verdicts = judge.entail([long, PAIRS[0]])
    assert judge.n_cut == 1
    # [CLS] 25 of the premise [SEP] 4 of the hypothesis [SEP] are 32.
    assert judge.entail([cut])[0].entailment_prob == pytest.approx(verdicts[0].entailment_prob, abs=1e-5)
    assert judge.n_cut == 1


def test_a_hypothesis_that_does_not_fit_gets_no_verdict(judge: CrossEncoderEntailment):
    assert judge.entail([Pair("cats", "the people say " * 10), PAIRS[0]])[0] is None


def test_scores_that_are_no_numbers_are_an_error(folder: Path):
    import torch

    judge = load_cross_encoder(str(folder), device="cpu")
    with torch.no_grad():
        judge.model.classifier.bias[0] = float("nan")
    with pytest.raises(ModelError, match="no numbers"):
        judge.entail(PAIRS)


def test_the_id_tells_weights_apart(folder: Path, judge: CrossEncoderEntailment):
    import torch

    same, other = (load_cross_encoder(str(folder), device="cpu") for _ in range(2))
    with torch.no_grad():
        other.model.classifier.bias[0] += 1
    assert same.id == judge.id != other.id
    assert same.id.startswith(f"nli:path:{folder.name}@")


def test_it_is_named_by_its_folder(folder: Path):
    judge = load_entailment(f"nli:{folder}", device="cpu")
    assert isinstance(judge, CrossEncoderEntailment)


def test_a_folder_that_holds_nothing_is_named(tmp_path: Path):
    with pytest.raises(ModelError, match=f"NLI model {tmp_path}"):
        load_cross_encoder(str(tmp_path), device="cpu")


def test_a_threshold_outside_the_range_is_refused(folder: Path):
    with pytest.raises(ConfigurationError, match=r"between 0 and 1, and is 1\.5"):
        load_cross_encoder(str(folder), device="cpu", threshold=1.5)
