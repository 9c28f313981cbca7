"""The steerer: guarded draws, mixtures, distributions in closed form, outputs withheld, and what is refused."""

import asyncio
import math
import time
from collections import Counter
from dataclasses import replace

import pytest

import pluralign
from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.guard.admission import ProfileRefused
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Ruling, Verdict
from pluralign.models import Capability, Chat, Message
from pluralign.records import Option, Outcome, Question
from pluralign.steering import Steerer, Way
from pluralign.steering.results import Steered

QUESTION = "Should the park close at night?"
SAYS = {"I keep bees.": "Close it: bees sleep.", "I feed cats.": "Leave it open for cats."}


@pytest.fixture
def steerer(kit):
    return Steerer(kit.Speaker(SAYS), kit.guard(), nonce="n")


def test_one_draw_says_who_spoke_and_what_the_guard_ruled(steerer, bees):
    (said,) = steerer.generate(QUESTION, profile=bees, seed=3)

    assert (said.text, said.outcome, said.finish) == ("Close it: bees sleep.", Outcome.OK, "stop")
    assert (said.profile_id, said.profile_version, said.share) == ("bees", 1, 1.0)
    assert said.profile_hash == steerer.guard.admit(bees).content_hash
    assert (said.admission.ruling, said.admission.watched, said.output) == (Ruling.SERVE, False, None)
    assert (said.draw, said.seed, said.model_id, said.way) == (0, 3, "speaker", "system")
    assert said.n_tokens == len(said.text) + 1
    assert Steered.model_validate_json(said.model_dump_json()) == said
    (prompt,) = steerer.model.prompts
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert "I keep bees." in prompt.messages[0].content
    assert prompt.messages[1].content == QUESTION


def test_an_application_s_own_system_text_stands_before_the_profile(steerer, bees):
    messages = [{"role": "system", "content": "You work for the city."}, Message("user", QUESTION)]
    steerer.generate(messages, profile=bees)
    system = steerer.model.prompts[0].messages[0].content
    assert system.startswith("You work for the city.\n\n")
    assert "I keep bees." in system


def test_a_refused_profile_is_refused_before_anything_is_asked(kit, bees, tmp_path):
    asked = []
    model = kit.Speaker(SAYS, log_probs=lambda prompt, option: asked.append(prompt) or -9.0)
    steerer = Steerer(model, kit.guard())
    foes = kit.profile("foes", "I want harm done.")
    for refused in (foes, [bees, foes], [(bees, 0.9), (foes, 0.1)]):
        for call in (
            lambda profile: steerer.generate(QUESTION, profile=profile),
            lambda profile: steerer.generate(QUESTION, profile=profile, stream=True),
            lambda profile: steerer.generate_many([QUESTION], profiles=[bees, profile], out=tmp_path),
            lambda profile: steerer.distribution(QUESTION, options=["A", "B"], profile=profile),
            lambda profile: steerer.overton(QUESTION, profiles=[bees, profile]),
            lambda profile: asyncio.run(steerer.agenerate(QUESTION, profile=profile)),
        ):
            with pytest.raises(ProfileRefused) as caught:
                call(refused)
            assert caught.value.category == "violence_terrorism"
            assert caught.value.sentence in str(caught.value)
    assert model.calls == []
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_mixture_that_only_the_whole_gives_away_is_refused(kit, bees):
    class Together:
        name, version, languages, categories = "together", "1", None, None

        def judge(self, documents, *, role):
            refused = [
                all(any(words in passage.text for passage in document.passages) for words in ("bees", "cats"))
                for document in documents
            ]
            return [
                Verdict(
                    ruling=Ruling.REFUSE if each else Ruling.SERVE,
                    layer="judge",
                    backend=self.name,
                    backend_version="1",
                    category="violence_terrorism" if each else None,
                    reason="together",
                )
                for each in refused
            ]

    guard = replace(kit.guard(), judges=(EnabledJudge(Together(), qualified=True),))
    steerer = Steerer(kit.Speaker(SAYS), guard)
    cats = kit.profile("cats", "I feed cats.")
    assert steerer.generate(QUESTION, profile=cats)[0].text
    n_calls = len(steerer.model.calls)
    with pytest.raises(ProfileRefused):
        steerer.generate(QUESTION, profile=[bees, cats])
    assert len(steerer.model.calls) == n_calls


def test_draw_j_is_the_same_whatever_n_is(kit, bees, cats):
    steerer = Steerer(kit.Speaker(), kit.guard(), nonce="n")
    mixture = [(bees, 1), (cats, 2)]
    many = steerer.generate(QUESTION, profile=mixture, n=20)
    few = steerer.generate(QUESTION, profile=mixture, n=7)

    assert few == many[:7]
    assert [each.draw for each in many] == list(range(20))
    assert len({each.text for each in many}) == 20
    assert {each.profile_id for each in many} == {"bees", "cats"}
    # Each profile is asked once for all its draws.
    assert sorted(steerer.model.calls[:2]) == sorted(
        (1, n) for n in Counter(e.profile_id for e in many).values()
    )
    assert steerer.generate(QUESTION, profile=mixture, n=20, seed=1) != many


def test_a_mixture_s_draws_are_for_its_profiles_as_often_as_their_shares_say(kit, bees, cats):
    steerer = Steerer(kit.Speaker(SAYS), kit.guard())
    n, share = 2000, 0.3
    draws = steerer.generate(QUESTION, profile=[(bees, 3), (cats, 7)], n=n)
    n_bees = sum(draw.profile_id == "bees" for draw in draws)

    # Four standard deviations of a binomial.
    assert abs(n_bees - n * share) < 4 * math.sqrt(n * share * (1 - share))
    assert {(draw.profile_id, draw.share) for draw in draws} == {("bees", 0.3), ("cats", 0.7)}
    assert all(
        draw.text == SAYS["I keep bees." if draw.profile_id == "bees" else "I feed cats."] for draw in draws
    )
    # Not all prompts are answered by the same profile.
    first = {steerer.generate(f"{QUESTION} {i}", profile=[bees, cats])[0].profile_id for i in range(20)}
    assert first == {"bees", "cats"}


def test_outputs_of_watched_profiles_are_checked_and_withheld_with_the_ruling(kit, bees):
    odd = kit.profile("odd-ones", "I do odd things.")
    model = kit.Speaker({"I do odd things.": "Do harm to the park.", "I keep bees.": "Do harm to it."})
    steerer = Steerer(model, kit.guard(on_unsure="serve_with_output_guard"))

    (said,) = steerer.generate(QUESTION, profile=odd)
    assert (said.text, said.outcome, said.withheld) == ("", Outcome.REFUSED, True)
    assert (said.output.ruling, said.output.category) == (Ruling.REFUSE, "violence_terrorism")
    assert (said.admission.ruling, said.admission.watched) == (Ruling.UNSURE, True)
    assert said.n_tokens > 0

    (unwatched,) = steerer.generate(QUESTION, profile=bees)
    assert (unwatched.text, unwatched.output, unwatched.withheld) == ("Do harm to it.", None, False)

    strict = Steerer(model, kit.guard(), check_outputs="all")
    assert strict.generate(QUESTION, profile=bees)[0].withheld
    assert (
        Steerer(kit.Speaker(SAYS), kit.guard(), check_outputs="all")
        .generate(QUESTION, profile=bees)[0]
        .output.ruling
        is Ruling.SERVE
    )


def test_an_empty_answer_is_not_a_withheld_one(kit, bees):
    steerer = Steerer(kit.Speaker({"I keep bees.": " \n"}), kit.guard(), check_outputs="all")
    (said,) = steerer.generate(QUESTION, profile=bees)
    assert (said.outcome, said.withheld, said.output) == (Outcome.REFUSED, False, None)


def test_an_answer_that_the_limit_cut_says_so(steerer, bees):
    (said,) = steerer.generate(QUESTION, profile=bees, max_new_tokens=5)
    assert (said.text, said.outcome, said.finish) == ("Close", Outcome.TRUNCATED, "length")
    (stopped,) = steerer.generate(QUESTION, profile=bees, stop=": ")
    assert (stopped.text, stopped.finish) == ("Close it", "stop")


SCORES = {"I keep bees.": {"A": 0.6, "B": 0.2}, "I feed cats.": {"A": 0.1, "B": 0.3}, "I own nothing.": {}}


def scored(prompt, option):
    scores = next(scores for words, scores in SCORES.items() if words in prompt)
    return math.log(scores[option]) if option in scores else -math.inf


def test_the_distribution_of_a_mixture_is_the_weighted_mean_of_its_members(kit, bees, cats):
    steerer = Steerer(kit.Speaker(log_probs=scored), kit.guard())
    found = steerer.distribution(QUESTION, options=["A", "B"], profile=[(bees, 1), (cats, 3)])

    # bees: A 0.6 / 0.8, cats: A 0.1 / 0.4; masses 0.8 and 0.4.
    assert found.by_option == pytest.approx({"A": 0.25 * 0.75 + 0.75 * 0.25, "B": 0.25 * 0.25 + 0.75 * 0.75})
    assert found.valid_mass_prob == pytest.approx(0.25 * 0.8 + 0.75 * 0.4)
    assert [member.share for member in found.members] == [0.25, 0.75]
    assert [member.answer.probabilities for member in found.members] == [
        pytest.approx((0.75, 0.25)),
        pytest.approx((0.25, 0.75)),
    ]
    assert found.members[0].answer.n_permutations == 2

    question = Question(id="q", text=QUESTION, options=(Option(text="A"), Option(text="B")))
    alone = steerer.distribution(question, profile=bees, max_orders=1)
    assert alone.by_option == pytest.approx({"A": 0.75, "B": 0.25})
    assert alone.question_id == "q"


def test_a_member_without_a_distribution_leaves_the_mixture_without_one(kit, bees):
    steerer = Steerer(kit.Speaker(log_probs=scored), kit.guard())
    nobody = kit.profile("nobody", "I own nothing.")
    found = steerer.distribution(QUESTION, options=["A", "B"], profile=[bees, nobody])
    assert (found.outcome, found.probabilities, found.by_option) == (Outcome.UNPARSED, None, {})
    assert found.valid_mass_prob == pytest.approx(0.4)


def test_overton_delegates_with_the_steerer_s_guard(steerer, bees, cats):
    made = steerer.overton(QUESTION, profiles=[bees, cats], seed=2, max_new_tokens=20)
    assert [view.source for view in made.views] == ["profile:bees", "profile:cats"]
    assert made.question == QUESTION
    with pytest.raises(ConfigurationError, match="given twice"):
        steerer.overton(QUESTION, profiles=[bees, bees])


def test_async_calls_do_the_same(kit, bees, tmp_path):
    steerer = Steerer(kit.Speaker(SAYS, log_probs=scored), kit.guard(), nonce="n")

    async def ask():
        one = await steerer.agenerate(QUESTION, profile=bees)
        stream = await steerer.agenerate(QUESTION, profile=bees, stream=True)
        pieces = [piece async for piece in stream]
        both = await asyncio.gather(
            steerer.adistribution(QUESTION, options=["A", "B"], profile=bees),
            steerer.agenerate_many([QUESTION], profiles=[bees], out=tmp_path),
            steerer.aoverton(QUESTION, profiles=[bees]),
        )
        return one, "".join(pieces), both

    one, streamed, (distribution, many, synthesis) = asyncio.run(ask())
    assert one == steerer.generate(QUESTION, profile=bees)
    assert streamed == one[0].text == many[0].text
    assert distribution == steerer.distribution(QUESTION, options=["A", "B"], profile=bees)
    assert synthesis.views[0].text == one[0].text


@pytest.mark.parametrize("most", [1, 3])
def test_calls_from_several_threads_take_turns_at_the_model(kit, bees, most):
    active, seen = [], []

    class Slow(kit.Speaker):
        def sample(self, prompts, **options):
            active.append(1)
            seen.append(len(active))
            time.sleep(0.02)
            active.pop()
            return super().sample(prompts, **options)

    steerer = Steerer(Slow(SAYS), kit.guard(), max_concurrent=most)

    async def ask():
        return await asyncio.gather(*(steerer.agenerate(f"{QUESTION} {i}", profile=bees) for i in range(12)))

    assert len(asyncio.run(ask())) == 12
    assert max(seen) <= most
    assert most == 1 or max(seen) > 1


def test_nonces_are_secret_and_constant_within_a_steerer(kit, bees):
    prompts = []
    for nonce in (None, None, "n", "n"):
        steerer = Steerer(kit.Speaker(SAYS), kit.guard(), nonce=nonce)
        steerer.generate(QUESTION, profile=bees, n=2)
        steerer.generate(QUESTION, profile=bees)
        assert steerer.model.prompts[0] == steerer.model.prompts[1]
        prompts.append(steerer.model.prompts[0])
    assert prompts[0] != prompts[1]
    assert prompts[2] == prompts[3]


def test_bad_settings_say_what_would_be_right(kit, steerer, bees):
    for settings, words in [
        ({"n": 0}, "n: 0 draws"),
        ({"temperature": -1.0}, "temperature: -1.0 is not possible; it must be 0"),
        ({"temprature": 1.0}, "Did you mean 'temperature'?"),
        ({"n": 2, "stream": True}, "one answer can be streamed, not 2"),
    ]:
        with pytest.raises(ConfigurationError, match=words.replace("?", r"\?")):
            steerer.generate(QUESTION, profile=bees, **settings)
    for prompt, words in [
        (" ", "nothing is asked"),
        ([], "the last message must be the user's"),
        ([Message("user", "Why?"), Message("assistant", "So.")], "the last message must be the user's"),
        ([{"role": "narrator", "content": "x"}], "message 1 has the role 'narrator'"),
        ([{"role": "user"}], "NoneType as content"),
        ([3], "message 1 is int"),
        (Chat((Message("user", "Why?"),), continue_from="So"), "continue_from"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            steerer.generate(prompt, profile=bees)
    assert steerer.model.calls == []
    for keywords, words in [
        ({"style": "sonnet"}, "there is no style 'sonnet': take first_person, portrait, data"),
        ({"check_outputs": "none"}, "take 'watched' or 'all'"),
        ({"way": "sytem"}, "Did you mean 'system'"),
        ({"max_concurrent": 0}, "max_concurrent: 0 is not possible; it must be 1 or more"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            Steerer(steerer.model, steerer.guard, **keywords)


def test_bad_questions_say_what_would_be_right(kit, bees):
    steerer = Steerer(kit.Speaker(log_probs=scored), kit.guard())
    question = Question(id="q", text=QUESTION, options=(Option(text="A"), Option(text="B")))
    for asked, settings, words in [
        (question, {"options": ["A"]}, "the question has its own"),
        (QUESTION, {}, "a sequence of what may be answered"),
        (QUESTION, {"options": "AB"}, "a sequence of what may be answered"),
        (QUESTION, {"options": ["A", " "]}, "each must be a text"),
        (QUESTION, {"options": ["A"]}, "it has a single option"),
        (QUESTION, {"options": ["A", "A"]}, "more than once"),
        (QUESTION, {"options": ["A", "B"], "max_orders": 0}, "it must be 1 or more"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            steerer.distribution(asked, profile=bees, **settings)


def test_models_that_cannot_say_what_would_do(kit, bees):
    silent = Steerer(kit.Speaker(can=kit.system - {Capability.SAMPLE}), kit.guard())
    with pytest.raises(UnsupportedError, match=r"cannot sample; distribution\(\)"):
        silent.generate(QUESTION, profile=bees)
    scoreless = Steerer(kit.Speaker(can=kit.system - {Capability.SCORE_OPTIONS}), kit.guard())
    with pytest.raises(UnsupportedError, match="score_options"):
        scoreless.distribution(QUESTION, options=["A", "B"], profile=bees)


def test_a_model_by_its_name_and_the_default_guard():
    steerer = pluralign.Steerer("scripted:uniform")
    found = steerer.distribution(QUESTION, options=["Yes", "No"], profile="virtue-ethics")
    assert found.by_option == pytest.approx({"Yes": 0.5, "No": 0.5})
    assert steerer.way is Way.SYSTEM


@pytest.mark.slow
def test_the_embedded_model_streams_what_it_generates_and_batches_do_not_matter(
    embedded_model, kit, bees, tmp_path
):
    steerer = Steerer(embedded_model, kit.guard(), nonce="n")
    prompts = [QUESTION, "What is fair?", "Whom do you trust?"]
    many = steerer.generate_many(prompts, profiles=[bees], out=tmp_path, max_new_tokens=48)
    alone = [steerer.generate(prompt, profile=bees, max_new_tokens=48)[0] for prompt in prompts]
    stream = steerer.generate(prompts[0], profile=bees, max_new_tokens=48, stream=True)

    assert [each.text for each in many] == [each.text for each in alone]
    assert "".join(stream) == alone[0].text == stream.result.text
    interview = Steerer(embedded_model, kit.guard(), way="persona")
    assert "Question:" not in interview.generate(QUESTION, profile=bees, max_new_tokens=32)[0].text
