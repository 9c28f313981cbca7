import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.data import load_data
from pluralign.errors import ConfigurationError, DataError
from pluralign.raters import Rater, Rating, choose_raters, make_fold, raters_in, split_raters, split_ratings
from pluralign.records import Group, Option, Question, QuestionSet

AGREE = (Option(text="Agree"), Option(text="Disagree"))


def question(name, counts, text=None, options=AGREE):
    return Question(id=name, text=text or f"What of {name}?", options=options, counts=counts)


def rater(n, name="annotator=A"):
    return Rater(Group(id=name), tuple(Rating(question(f"q{i}", {}), i % 2) for i in range(n)))


def test_people_are_the_groups_with_one_answer_a_question():
    questions = QuestionSet(
        id="mixed",
        questions=tuple(
            question(f"q{i}", {"all": (30, 20), "p=1": (1, 0), "p=2": (0, 1), "sex=f": (1, 0)})
            for i in range(4)
        ),
        groups=(
            Group(id="all"),
            Group(id="p=1", member_of=("sex=f",)),
            Group(id="p=2"),
            Group(id="sex=f"),
        ),
    )
    found = raters_in(questions)
    # "sex=f" counts one answer a question, but is the group of another person.
    assert [each.id for each in found] == ["p=1", "p=2"]
    assert [rating.choice for rating in found[1].ratings] == [1, 1, 1, 1]


def test_a_person_with_two_answers_is_refused():
    questions = QuestionSet(
        id="odd", questions=(question("q", {"p=1": (1, 1)}),), groups=(Group(id="p=1", member_of=("sex=f",)),)
    )
    with pytest.raises(DataError, match=r"counts\['p=1'\] of question 'q': a single person gives one answer"):
        raters_in(questions)


def test_unaskable_and_repeated_questions_are_left_out():
    own = {"p=1": (1.0, 0.0)}
    questions = QuestionSet(
        id="faulty",
        questions=(
            question("a", own, text="The same  words"),
            question("b", {"p=1": (0.0, 1.0)}, text="the same words"),
            question("c", {"p=1": (1.0,)}, options=(Option(text="Only"),)),
            question("d", own),
        ),
        groups=(Group(id="p=1"),),
    )
    (found,) = raters_in(questions, min_ratings=1)
    assert [rating.question.id for rating in found.ratings] == ["a", "d"]


def test_too_few_ratings_are_told():
    questions = QuestionSet(id="few", questions=(question("q", {"p=1": (1, 0)}),), groups=(Group(id="p=1"),))
    with pytest.raises(DataError, match="1 single people, none with 4 ratings or more; the most have 1"):
        raters_in(questions)


def test_halves_depend_on_seed_and_ids_only(town):
    raters = raters_in(town)
    train, test = split_raters(raters, seed=3)
    assert split_raters(raters[::-1], seed=3) == (train, test)
    assert len(train) == len(test) == 6
    assert {each.id for each in (*train, *test)} == {each.id for each in raters}
    assert split_raters(raters, seed=4) != (train, test)
    assert choose_raters(raters[::-1], n=5, seed=1) == choose_raters(raters, n=5, seed=1)


def test_the_share_leaves_someone_in_both_halves(town):
    assert [len(half) for half in split_raters(raters_in(town), train_share=0.01, seed=0)] == [1, 11]
    with pytest.raises(ConfigurationError, match="train_share"):
        split_raters(raters_in(town), train_share=1, seed=0)
    with pytest.raises(DataError, match="1 raters cannot be divided"):
        split_raters([rater(4)], seed=0)


@given(st.integers(4, 30), st.integers(0, 1000))
@settings(deadline=None)
def test_ratings_are_divided_without_rest_or_overlap(n, seed):
    split = split_ratings(rater(n), seed=seed)
    assert 2 <= len(split.fit) <= n - 2
    assert sorted(r.question.id for r in (*split.fit, *split.held_out)) == sorted(f"q{i}" for i in range(n))
    assert split == split_ratings(rater(n), seed=seed)


def test_the_number_of_fit_ratings_is_uniform_from_2_to_n_minus_2():
    sizes = [len(split_ratings(rater(7, f"p={i}"), seed=0).fit) for i in range(2000)]
    shares = [sizes.count(size) / len(sizes) for size in (2, 3, 4, 5)]
    assert shares == pytest.approx([0.25] * 4, abs=0.04)


def test_a_fixed_number_of_fit_ratings():
    split = split_ratings(rater(9), seed=0, n_fit=4, max_held_out=3)
    assert (len(split.fit), len(split.held_out)) == (4, 3)
    with pytest.raises(DataError, match="has 5 ratings; 6 are needed"):
        split_ratings(rater(5), seed=0, n_fit=4)
    with pytest.raises(ConfigurationError, match="max_held_out: 1"):
        split_ratings(rater(9), seed=0, max_held_out=1)


def test_a_fold_divides_raters_and_ratings(town):
    fold = make_fold(raters_in(town), seed=0, n_fit=6, max_held_out=4)
    assert (len(fold.train), len(fold.test)) == (6, 6)
    assert fold.raters == (*fold.train, *fold.test)
    assert {(len(each.fit), len(each.held_out)) for each in fold.raters} == {(6, 4)}


def test_the_raters_of_multipico(shared_data):
    questions = load_data("multipico", {"path": shared_data / "multipico", "languages": ["en"]}).questions
    raters = raters_in(questions)
    assert len(raters) == 74
    numbers = sorted(len(rater.ratings) for rater in raters)
    assert (numbers[37], sum(numbers)) == (69, 5072)
    assert all(rater.group.id.startswith("annotator=Ann") for rater in raters)
