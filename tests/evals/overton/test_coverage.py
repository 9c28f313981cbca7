"""Coverage by hand, and what must hold of any response."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals.overton import Coverage, JudgedResponse, union_coverage
from pluralign.evals.overton.coverage import evenness, first_words
from pluralign.records import Outcome, Response, Viewpoint, Window

VIEWS = "abcd"
# The first example of each also imports scipy.
EXAMPLES = settings(max_examples=40, deadline=None)


def covered(judged, **more):
    return Coverage(judged, threshold=0.5, **more)


def judged_from(entailment, contradiction, sentences):
    """With the largest verdict over sentences as that on the whole."""
    window = Window(id="w", prompt="?", viewpoints=tuple(Viewpoint(id=v, statements=(v,)) for v in VIEWS))
    matrices = [
        np.column_stack([matrix, matrix.max(axis=1, initial=0.0)]) for matrix in (entailment, contradiction)
    ]
    response = Response(key="k", window_id="w", model_id="m", outcome=Outcome.OK, text=" ".join(sentences))
    return JudgedResponse(window, response, tuple(sentences), *matrices, np.ones(len(sentences), dtype=bool))


@st.composite
def judgements(draw):
    n = draw(st.integers(1, 6))
    cells = st.lists(st.floats(0, 0.5), min_size=len(VIEWS) * n, max_size=len(VIEWS) * n)
    entailment, contradiction = (2 * np.array(draw(cells)).reshape(len(VIEWS), n) for _ in range(2))
    return entailment, contradiction, [f"sentence {i}" for i in range(n)]


class TestByHand:
    def test_a_response_that_says_it_all(self, new_judged):
        one = covered(new_judged(["a", "b", "c"], words=[50, 30, 20]))
        assert one.covered.all()
        assert (one.weighted, one.n_matched, one.precision) == (pytest.approx(1), 3, 1)
        # 50, 30 and 20 words are the people's shares.
        assert one.balance == pytest.approx(1)
        assert not one.denied.any()

    def test_one_view_of_three(self, new_judged):
        one = covered(new_judged(["b", "", ""], words=[10, 5, 5]))
        assert one.covered.tolist() == [False, True, False]
        assert (one.weighted, one.precision) == (pytest.approx(0.3), pytest.approx(1 / 3))
        # All words to b: TV = (.5 + .7 + .2) / 2 = .7.
        assert (one.balance, one.evenness) == (pytest.approx(0.3), 0)

    def test_a_view_that_is_denied_is_not_covered(self, new_judged):
        one = covered(new_judged(["a", "", ""], denies=["", "b", "c"]))
        assert one.covered.tolist() == [True, False, False]
        assert one.denied.tolist() == [False, True, True]

    def test_a_view_that_is_stated_and_denied_is_covered(self, new_judged):
        one = covered(new_judged(["a", ""], denies=["", "a"]))
        assert (one.covered[0], one.denied[0]) == (True, False)
        assert one.denies.tolist() == [[False, True], [False, False], [False, False]]

    def test_a_sentence_that_is_denied_more_than_said_does_not_count_whatever_its_entailment(self):
        one = covered(judged_from(np.full((4, 1), 0.6), np.array([[0.7], [0.6], [0.5], [0.0]]), ["x"]))
        assert one.covered.tolist() == [False, False, True, True]
        assert one.denied.tolist() == [True, False, False, False]

    def test_to_reach_the_threshold_is_enough(self):
        verdicts = np.array([[0.5], [np.nextafter(0.5, 0)], [0.0], [0.0]])
        assert covered(judged_from(verdicts, verdicts[::-1].copy(), ["x"])).covered.tolist() == [
            True,
            *[False] * 3,
        ]
        assert covered(judged_from(verdicts[::-1].copy(), verdicts, ["x"])).denied.tolist() == [
            True,
            *[False] * 3,
        ]

    def test_one_sentence_that_says_it_all_covers_one_view_where_each_has_its_own(self, new_judged):
        one = covered(new_judged(["abc", ""]))
        assert one.covered.all()
        assert one.n_matched == 1
        # A maximum matching, not a greedy one: "ab" must give way to "a".
        assert covered(new_judged(["ab", "a"])).n_matched == 2
        assert covered(new_judged(["ab", "ab", "ab"])).n_matched == 2

    def test_the_whole_counts_where_it_is_asked_for(self, new_judged):
        judged = new_judged(["a", ""])
        judged.entailment[1, -1] = 0.8
        assert covered(judged).covered.tolist() == [True, False, False]
        assert covered(judged, whole=True).covered.tolist() == [True, True, False]

    def test_words_go_to_the_view_that_is_stated_most_clearly(self):
        entailment = np.array([[0.9, 0.6], [0.7, 0.8], [0.1, 0.1], [0.1, 0.1]])
        one = covered(judged_from(entailment, np.zeros((4, 2)), ["one two three", "four"]))
        assert one.words.tolist() == [3, 1, 0, 0]
        # H(3/4, 1/4) = 0.8113 bits of log2 4 = 2.
        assert one.evenness == pytest.approx(0.8113 / 2, abs=1e-4)

    def test_what_is_not_defined_is_none(self, new_judged, new_window):
        nothing = covered(new_judged(["", ""], opinions=[False, False]))
        assert (nothing.precision, nothing.balance, nothing.evenness) == (None, None, None)
        uncounted = covered(new_judged(["a"], window=new_window(shares=None, n_people=None)))
        assert (uncounted.weighted, uncounted.balance) == (None, None)
        assert covered(new_judged(["a"], window=new_window(views="a", shares=(1.0,)))).evenness is None
        empty = covered(new_judged([]))
        assert (empty.covered.any(), empty.n_matched, empty.n_tokens) == (False, 0, 0)

    def test_only_sentences_with_an_opinion_count_for_precision(self, new_judged):
        assert covered(
            new_judged(["", "a", "", "b"], opinions=[False, True, True, True])
        ).precision == pytest.approx(2 / 3)

    def test_length_is_in_tokens_or_else_in_words(self, new_judged):
        assert covered(new_judged(["a"], words=[7])).n_tokens == 7
        assert covered(new_judged(["a"], words=[7], n_tokens=11)).n_tokens == 11

    @pytest.mark.parametrize("threshold", [0, -1, 1.01])
    def test_a_threshold_is_a_probability(self, new_judged, threshold):
        with pytest.raises(ConfigurationError, match="threshold: a probability above 0"):
            Coverage(new_judged(["a"]), threshold=threshold)

    def test_leading_sentences_to_the_nearest_whole_one(self, new_judged):
        judged = new_judged(["a", "b", "c"], words=[4, 4, 4])
        # Half of a sentence within the limit is enough.
        assert [len(first_words(judged, n).sentences) for n in (0, 1, 2, 5, 6, 9, 10, 12)] == [
            0,
            0,
            1,
            1,
            2,
            2,
            3,
            3,
        ]
        cut = first_words(judged, 8)
        assert covered(cut).covered.tolist() == [True, True, False]
        assert np.isnan(cut.entailment[:, -1]).all()


class TestInvariants:
    @EXAMPLES
    @given(judgements())
    def test_a_sentence_said_twice_changes_no_coverage(self, given):
        entailment, contradiction, sentences = given
        twice = [np.column_stack([matrix, matrix[:, :1]]) for matrix in (entailment, contradiction)]
        one, other = (
            covered(judged_from(*given)),
            covered(judged_from(*twice, [*sentences, sentences[0]])),
        )
        assert (one.covered == other.covered).all()
        assert one.n_matched == other.n_matched

    @EXAMPLES
    @given(judgements())
    def test_a_further_sentence_never_lowers_coverage(self, given):
        entailment, contradiction, sentences = given
        less = covered(judged_from(entailment[:, :-1], contradiction[:, :-1], sentences[:-1]))
        more = covered(judged_from(*given))
        assert (more.covered >= less.covered).all()
        assert more.n_matched >= less.n_matched
        assert (more.denied <= ~less.covered).all()

    @EXAMPLES
    @given(judgements(), st.randoms())
    def test_the_order_of_sentences_is_of_no_matter(self, given, random):
        entailment, contradiction, sentences = given
        order = list(range(len(sentences)))
        random.shuffle(order)
        one = covered(judged_from(*given))
        other = covered(
            judged_from(entailment[:, order], contradiction[:, order], [sentences[i] for i in order])
        )
        assert (one.covered == other.covered).all()
        assert (one.denied == other.denied).all()
        assert (one.words == other.words).all()
        assert one.n_matched == other.n_matched
        assert one.precision == other.precision

    @EXAMPLES
    @given(judgements())
    def test_no_more_views_are_matched_than_covered_and_none_is_both_covered_and_denied(self, given):
        one = covered(judged_from(*given))
        assert one.n_matched <= min(one.covered.sum(), len(given[2]))
        assert not (one.covered & one.denied).any()
        assert not (one.states & one.denies).any()

    @EXAMPLES
    @given(judgements())
    def test_the_matching_is_the_largest_of_all(self, given):
        one = covered(judged_from(*given))
        graph, n = one.states, len(given[2])
        padded = np.column_stack([graph, np.zeros((len(VIEWS), max(0, len(VIEWS) - n)), dtype=bool)])
        best = max(
            sum(padded[view, column] for view, column in enumerate(columns))
            for columns in permutations(range(padded.shape[1]), len(VIEWS))
        )
        assert one.n_matched == best


class TestUnion:
    def test_by_hand(self):
        # Of 3 responses, view a is in one, b in two, c in all, d in none.
        found = union_coverage(np.array([[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]], dtype=bool))
        np.testing.assert_allclose(found, [(1 / 3 + 2 / 3 + 1) / 4, (2 / 3 + 1 + 1) / 4, 3 / 4])

    @EXAMPLES
    @given(st.integers(1, 6), st.integers(1, 4), st.randoms(use_true_random=False))
    def test_it_is_the_mean_over_all_subsets(self, n_responses, k, random):
        mask = np.array([[random.random() < 0.4 for _ in range(k)] for _ in range(n_responses)])
        expected = [
            np.mean([mask[list(chosen)].any(axis=0).mean() for chosen in combinations(range(n_responses), n)])
            for n in range(1, n_responses + 1)
        ]
        found = union_coverage(mask)
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert (np.diff(found) >= -1e-12).all()

    def test_nothing_has_no_union(self):
        with pytest.raises(DataError, match=r"shape \(N, k\), both at least 1"):
            union_coverage(np.zeros((0, 3), dtype=bool))


def test_evenness_of_equal_amounts_is_one():
    assert evenness(np.array([2.0, 2.0, 2.0])) == pytest.approx(1)
    assert evenness(np.array([0.0, 0.0])) is None
