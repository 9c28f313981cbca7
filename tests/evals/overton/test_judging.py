import numpy as np
import pytest

from pluralign.errors import ConfigurationError, DataError, ModelError
from pluralign.evals.overton import (
    Coverage,
    PublishedVerdicts,
    judge_elsewhere,
    judge_published,
    judge_responses,
    unscored_reason,
)
from pluralign.judges.entailment import Entailed, Pair
from pluralign.records import Viewpoint, Window

TEXT = "Some think we should say yes a here. Others say no b instead."


def test_every_sentence_and_the_whole_are_asked_of_every_view_in_one_call(judge, new_window, new_response):
    responses = [
        new_response(TEXT),
        new_response(TEXT, draw=1),
        new_response("It must be yes c now.", draw=2),
    ]
    judged = judge_responses([new_window()], responses, judge=judge)
    # Three premises of the first text, asked once for both draws, and one of the last: it is a sentence as a
    # whole.
    (call,) = judge.calls
    assert len(call) == len(set(call)) == 4 * 3
    assert Pair("Others say no b instead.", "People hold b.") in call
    assert [each.response for each in judged] == responses
    first = judged[0]
    assert first.sentences == ("Some think we should say yes a here.", "Others say no b instead.")
    np.testing.assert_allclose(first.entailment, [[0.9, 0.1, 0.9], [0.1, 0.05, 0.05], [0.1, 0.1, 0.1]])
    np.testing.assert_allclose(first.contradiction, [[0.05, 0.1, 0.05], [0.1, 0.9, 0.9], [0.1, 0.1, 0.1]])
    np.testing.assert_array_equal(first.entailment, judged[1].entailment)


def test_of_a_view_s_statements_the_one_that_is_said_most_counts(judge, new_response):
    view = Viewpoint(id="v", statements=("People hold a.", "People hold b.", "People hold c."))
    (judged,) = judge_responses(
        [Window(id="w", prompt="?", viewpoints=(view,))], [new_response(TEXT)], judge=judge
    )
    np.testing.assert_allclose(judged.entailment, [[0.9, 0.1, 0.9]])
    np.testing.assert_allclose(judged.contradiction, [[0.1, 0.9, 0.9]])


def test_without_a_verdict_there_is_no_number(judge, new_window, new_response):
    (judged,) = judge_responses(
        [new_window()], [new_response("This must stay mute forever. We should do yes a.")], judge=judge
    )
    assert np.isnan(judged.entailment[:, [0, 2]]).all()
    assert judged.entailment[:, 1].tolist() == [0.9, 0.1, 0.1]
    assert unscored_reason(judged) == "no verdict"


def test_one_statement_without_a_verdict_leaves_its_view_without_one(judge, new_response, monkeypatch):
    own = judge.entail
    monkeypatch.setattr(
        judge,
        "entail",
        lambda pairs: [
            None if "hold b" in pair[1] else said for pair, said in zip(pairs, own(pairs), strict=True)
        ],
    )
    first = Viewpoint(id="v", statements=("People hold a.", "People hold b."))
    second = Viewpoint(id="w", statements=("People hold c.",))
    window = Window(id="w", prompt="?", viewpoints=(first, second))
    (judged,) = judge_responses([window], [new_response(TEXT)], judge=judge)
    # That it states a says nothing of whether it denies b.
    assert np.isnan(judged.entailment).tolist() == [[True] * 3, [False] * 3]
    assert np.isnan(judged.contradiction).tolist() == [[True] * 3, [False] * 3]


def test_a_whole_without_a_verdict_loses_a_response_only_where_the_whole_counts(new_judged):
    judged = new_judged(["a", "b"])
    judged.entailment[:, -1] = np.nan
    assert unscored_reason(judged) is None
    assert unscored_reason(judged, whole=True) == "no verdict"


@pytest.mark.parametrize(("outcome", "reason"), [("error", "error"), ("refused", "refused")])
def test_what_was_not_written_is_not_judged(judge, new_window, new_response, outcome, reason):
    (judged,) = judge_responses([new_window()], [new_response(outcome=outcome)], judge=judge)
    assert judge.calls == []
    assert (judged.sentences, judged.entailment.shape) == ((), (3, 1))
    assert unscored_reason(judged) == reason


def test_what_the_token_limit_cut_is_judged(judge, new_window, new_response):
    (judged,) = judge_responses(
        [new_window()], [new_response("We must do yes a", outcome="truncated")], judge=judge
    )
    assert unscored_reason(judged) is None
    assert Coverage(judged, threshold=0.5).covered.tolist() == [True, False, False]


def test_unknown_and_repeated_windows_are_refused(judge, new_window, new_response):
    with pytest.raises(DataError, match=r"unknown window 'climat'\. Did you mean 'climate'"):
        judge_responses([new_window("climate")], [new_response("x", window="climat")], judge=judge)
    with pytest.raises(DataError, match="the id 'w' stands there twice"):
        judge_responses([new_window(), new_window()], [new_response("x")], judge=judge)


def test_a_judge_that_loses_a_pair_is_refused(judge, new_window, new_response, monkeypatch):
    monkeypatch.setattr(judge, "entail", lambda pairs: [Entailed(0.5, 0.5)])
    with pytest.raises(ModelError, match="scripted@1 gave 1 verdicts on 9 pairs"):
        judge_responses([new_window()], [new_response(TEXT)], judge=judge)


def test_elsewhere_no_response_meets_its_own_window(judge, new_window, new_response):
    names = [f"w{i}" for i in range(7)]
    windows = [new_window(name) for name in names]
    responses = [new_response(TEXT, window=name, draw=draw) for name in names for draw in range(2)]
    judged = judge_elsewhere(windows, responses, judge=judge, seed=4)
    met = {each.response.window_id: each.window.id for each in judged}
    assert all(own != other for own, other in met.items())
    assert sorted(met.values()) == names
    assert [each.response for each in judged] == responses
    orders = {
        tuple(each.window.id for each in judge_elsewhere(windows, responses, judge=judge, seed=s))
        for s in range(5)
    }
    assert len(orders) > 1
    with pytest.raises(ConfigurationError, match="at least two are needed"):
        judge_elsewhere(windows[:1], responses[:1], judge=judge)


def test_the_published_direction_has_the_explanation_as_premise(judge, new_window, new_response):
    (judged,) = judge_published([new_window()], [new_response(TEXT)], judge=judge)
    (call,) = judge.calls
    assert set(call) == {
        Pair(f"People hold {view}.", sentence) for view in "abc" for sentence in judged.sentences
    }
    assert isinstance(judged, PublishedVerdicts)
    assert np.isnan(judged.entailment[:, -1]).all()
    assert not np.isnan(judged.entailment[:, :-1]).any()
