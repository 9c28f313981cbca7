"""A town of two types of people with a scripted encoder and decoder that know, or do not, what a profile says."""

import json
import math
import re

import pytest

from pluralign.data.loaded import Loaded
from pluralign.errors import (
    InterruptedRunError,
    ModelError,
    StorageError,
    UnsupportedError,
)
from pluralign.evaluation import rater_plan
from pluralign.evaluation.rater_plan import RaterSettings, bounds, first_prompts, prepare_study
from pluralign.evaluation.rater_study import ENCODINGS, encode_study, run_study, study_raters
from pluralign.models import Capability, ScriptedModel
from pluralign.records import Group, Option, Question, QuestionSet
from pluralign.runs import read_json

TOPICS = ("cats", "politics")
OPTIONS = ("Funny", "Not funny")
SURE = 0.8
SETTINGS = RaterSettings(
    n_raters=None, n_fit=6, n_held_out=6, n_candidates=6, n_clusters=2, calibration="temperature"
)
SHOWN = re.compile(
    r"a tale of (\w+), .*?\n(?:Options: .*\nThe person's answer|[\s\S]*?assistant): (Funny|Not funny)"
)


def _likes(place):
    return TOPICS[place % 2]


@pytest.fixture(autouse=True)
def town(monkeypatch):
    """24 people: every other one finds jokes on cats funny and those on politics not, the others the reverse."""
    groups = tuple(
        Group(id=f"annotator=R{place}", text=f"live in house {place}", member_of=("town=here",))
        for place in range(24)
    )
    questions = tuple(
        Question(
            id=f"joke{index}",
            text=f"Joke {index}: a tale of {TOPICS[index % 2]}, number {index}.",
            options=tuple(Option(text=text) for text in OPTIONS),
            counts={
                group.id: (1.0, 0.0) if _likes(place) == TOPICS[index % 2] else (0.0, 1.0)
                for place, group in enumerate(groups)
            },
        )
        for index in range(40)
    )
    made = QuestionSet(id="town", questions=questions, groups=groups, source="invented")
    monkeypatch.setattr(rater_plan, "load_source", lambda source, arguments: Loaded(made))
    return made


def encodes(text, number):
    """An encoder that reads from the ratings what the person likes."""
    liked = [topic if answer == "Funny" else _other(topic) for topic, answer in SHOWN.findall(text)]
    assert liked, text
    likes = max(set(liked), key=liked.count)
    return f"- I laugh about {likes} (always)\n- I laugh often (perhaps)\n- I know what I like"


def _other(topic):
    return TOPICS[1 - TOPICS.index(topic)]


def _likelihood(likes, topic, option, sure=SURE):
    """Log-probability of an option for someone who laughs about one topic; None: of whom nothing is known."""
    if option not in OPTIONS:
        return -math.inf
    if likes is None:
        return math.log(0.5)
    return math.log(sure if (likes == topic) == (option == "Funny") else 1 - sure)


def _asked(prompt):
    return re.findall(r"a tale of (\w+),", prompt)[-1]


def decodes(prompt, option):
    """A decoder that uses a profile, or else the examples in context."""
    stated = re.findall(r"I laugh about (\w+)", prompt)
    shown = [
        topic if answer == "Funny" else _other(topic)
        for topic, answer in re.findall(
            r"user: Joke \d+: a tale of (\w+),[^\0]*?assistant: (Funny|Not funny)", prompt
        )
    ]
    likes = stated[0] if stated else max(set(shown), key=shown.count) if shown else None
    return _likelihood(likes, _asked(prompt), option)


def ignores(prompt, option):
    """A decoder that answers by the joke alone, a little more sure than it should be."""
    share = 0.3 + 0.4 * (sum(map(ord, prompt[-300:])) % 97) / 97
    return math.log(share if option == "Funny" else 1 - share) if option in OPTIONS else -math.inf


def encoder():
    return ScriptedModel("encoder", draws=encodes)


def run(decoder, out, *, settings=SETTINGS, **given):
    model = ScriptedModel("decoder", log_probs=decoder)
    return study_raters("town", model=model, encoder=encoder(), settings=settings, out=out, **given)


def test_a_decoder_that_uses_profiles_is_credited_with_them(tmp_path):
    study = run(decodes, tmp_path)
    information = study.scores.estimates[0]
    assert (information.name, information.slice) == ("usable_information_nats", "given=profile")
    # Train raters are predicted without fail, so that the calibrated decoder is nearly certain.
    assert information.value == pytest.approx(math.log(2), abs=0.02)
    assert information.interval.low > 0.6
    preserved = study.scores.estimate("information_preserved", "given=profile")
    assert preserved.value == pytest.approx(1, abs=0.05)
    assert study.scores.estimate("accuracy", "given=profile").value == 1
    assert study.scores.estimate("accuracy", "given=none").value == 0.5
    assert study.scores.estimate("usable_information_nats", "given=demographics").value == pytest.approx(0)
    assert study.scores.readings[0].startswith("The profile inferred from the rater's other ratings: beats")


def test_the_planted_types_are_recovered(tmp_path):
    study = run(decodes, tmp_path)
    (found,) = study.folds
    chosen = [found.candidates[index] for index in found.clustering.chosen]
    likes = [profile.values[0].statement.split()[-1] for profile in chosen]
    assert sorted(likes) == sorted(TOPICS)
    for rater, index in zip(found.fold.test, found.test_assigned, strict=True):
        assert likes[index] == _likes(int(rater.id.removeprefix("annotator=R")))
    assert study.scores.estimate("information_preserved", "given=cluster").value == pytest.approx(1, abs=0.05)


def test_another_s_profile_is_worth_nothing_on_average(tmp_path):
    gain = run(decodes, tmp_path).scores.estimate("usable_information_nats", "given=another's profile")
    assert gain.value < 0.1


def test_a_decoder_that_ignores_profiles_is_credited_with_nothing(tmp_path):
    study = run(ignores, tmp_path)
    information = study.scores.estimates[0]
    assert abs(information.value) < 0.03
    assert information.interval.low <= 0 <= information.interval.high
    assert study.scores.estimate("information_preserved", "given=profile").value is None
    assert "not told apart from the decoder that is given nothing" in study.scores.readings[0]
    assert any(
        "What share" in sentence and "cannot be said" in sentence for sentence in study.scores.readings
    )


def test_a_decoder_that_reads_profiles_the_wrong_way_round(tmp_path):
    def contrary(prompt, option):
        likes = re.findall(r"I laugh about (\w+)", prompt)
        return _likelihood(_other(likes[0]) if likes else None, _asked(prompt), option)

    raw = run(contrary, tmp_path / "raw", settings=SETTINGS.model_copy(update={"calibration": "none"}))
    assert raw.scores.estimates[0].value == pytest.approx(math.log(2) + math.log(1 - SURE))
    assert "worse than the decoder that is given nothing, by 0.9163 nats" in raw.scores.readings[0]
    # Calibrated on train raters, it is not trusted at all, and costs nothing.
    calibrated = run(contrary, tmp_path / "calibrated")
    assert calibrated.scores.estimates[0].value == pytest.approx(0, abs=0.01)
    assert calibrated.folds[0].clustering is None
    assert any(
        "nothing is left of what the decoder predicts given" in sentence and "not clustered" in sentence
        for sentence in calibrated.scores.readings
    )


def test_a_study_leaves_everything_on_disk(tmp_path):
    study = run(decodes, tmp_path)
    # Everybody rated everything, so that "clusters" has nothing left to ask.
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.json",
        "config.json",
        ENCODINGS,
        "decoding",
        "assigning",
        "cells.jsonl",
        "results.json",
        "report.html",
    }
    assert read_json(tmp_path / "run.json")["status"] == "complete"
    results = read_json(tmp_path / "results.json")
    assert results["primary"] == "usable_information_nats"
    assert results["encodings"] == {"ok": 24}
    assert results["readings"] == list(study.scores.readings)
    assert {cluster["n_test_raters"] for cluster in results["folds"][0]["clusters"]} <= set(range(13))
    page = (tmp_path / "report.html").read_text()
    assert "beats the decoder that is given nothing" in page
    # Estimates only: nobody's answers stand on the page.
    assert "a tale of" not in page


def test_nothing_is_asked_twice(tmp_path):
    first = run(decodes, tmp_path)
    rows = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    silent = ScriptedModel("decoder", log_probs=lambda prompt, option: pytest.fail("asked again"))
    mute = ScriptedModel("encoder", draws=[])
    again = study_raters("town", model=silent, encoder=mute, settings=SETTINGS, out=tmp_path)
    assert again.scores.estimates == first.scores.estimates
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == rows
    assert len(read_json(tmp_path / "run.json")["attempts"]) == 2


@pytest.mark.parametrize("calls", [10, 700, 1500])
def test_a_study_that_was_stopped_goes_on(tmp_path, calls):
    whole = run(decodes, tmp_path / "whole")
    left = iter(range(calls))

    def stops(prompt, option):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return decodes(prompt, option)

    with pytest.raises(InterruptedRunError, match="run the same command again to go on"):
        run(stops, tmp_path / "stopped")
    assert read_json(tmp_path / "stopped" / "run.json")["status"] == "interrupted"
    assert run(decodes, tmp_path / "stopped").scores == whole.scores


def test_a_stopped_encoder_keeps_what_it_wrote(tmp_path):
    written = []

    def stops(text, number):
        if len(written) == 10:
            raise KeyboardInterrupt
        written.append(text)
        return encodes(text, number)

    prepared = prepare_study(
        "town",
        model=ScriptedModel("decoder", log_probs=decodes),
        encoder=ScriptedModel("encoder", draws=stops),
        settings=SETTINGS,
    )
    with pytest.raises(InterruptedRunError):
        encode_study(prepared, out=tmp_path)
    assert len((tmp_path / ENCODINGS).read_text().splitlines()) == 8
    assert len(run(decodes, tmp_path).folds[0].encodings) == 24


def test_raters_without_a_profile_are_counted(tmp_path):
    def fails(text, number):
        return "Funny" if number % 3 == 0 else encodes(text, number)

    settings = SETTINGS.model_copy(update={"max_draws": 1})
    study = study_raters(
        "town",
        model=ScriptedModel("decoder", log_probs=decodes),
        encoder=ScriptedModel("encoder", draws=fails),
        settings=settings,
        out=tmp_path,
    )
    encodings = study.folds[0].encodings
    lost = sum(not encodings[rater.id].profile for rater in study.folds[0].fold.test)
    assert lost > 0
    assert study.scores.n_unscored == {"no profile: unparsed": 6 * lost}
    assert any("wrote a readable profile for" in sentence for sentence in study.scores.readings)


def test_an_encoder_that_never_writes_leaves_the_rest_measured(tmp_path):
    study = study_raters(
        "town",
        model=ScriptedModel("decoder", log_probs=decodes),
        encoder=ScriptedModel("encoder", draws=lambda text, number: ModelError("no memory")),
        settings=SETTINGS,
        out=tmp_path,
    )
    assert study.scores.estimates[0].value is None
    assert study.scores.estimates[0].reason == "profile: no profile: error"
    assert study.scores.estimate("usable_information_nats", "given=examples").value > 0.5
    assert (tmp_path / "report.html").exists()


def test_several_splits_are_pooled(tmp_path):
    study = run(decodes, tmp_path, settings=SETTINGS.model_copy(update={"n_splits": 2}))
    assert [found.fold.seed for found in study.folds] == [0, 1]
    assert study.scores.estimates[0].n_cells == 2 * 12 * 6
    raters = {cell.group for cell in study.scores.cells}
    assert f"bootstrap over {len(raters)} raters" in study.scores.estimates[0].interval.method


def test_a_judge_is_asked_in_its_own_folder(tmp_path):
    judge = ScriptedModel(
        "judge", log_probs=lambda prompt, option: -math.inf if option[0] == " " else math.log(0.5)
    )
    study = run(decodes, tmp_path, judge=judge)
    found = study.scores.estimate("interpretability", "judge=judge")
    assert (found.value, found.n_cells) == (0.5, 15)
    assert (tmp_path / "judging" / "answers.jsonl").exists()


def test_bounds_and_prompts_are_known_beforehand(tmp_path):
    prepared = prepare_study(
        "town", model=ScriptedModel("decoder", log_probs=decodes), encoder=encoder(), settings=SETTINGS
    )
    counts = bounds(prepared)
    assert (counts.n_profiles, counts.n_held_out) == (24, 144)
    run_study(prepared, out=tmp_path)
    n_asked = sum(len(path.read_text().splitlines()) for path in tmp_path.rglob("answers.jsonl"))
    assert n_asked <= counts.n_units
    encoder_prompt, decoder_prompt = first_prompts(prepared)
    assert "answers that one person gave" in encoder_prompt
    assert "(what the encoder writes of this person)" in decoder_prompt


def test_another_study_in_the_folder_is_refused(tmp_path):
    run(decodes, tmp_path)
    with pytest.raises(StorageError, match=r"holds another study: its config\.json differs"):
        run(decodes, tmp_path, settings=SETTINGS.model_copy(update={"seed": 5}))


def test_what_a_model_cannot_do_is_said_before_anything_is_asked():
    with pytest.raises(
        UnsupportedError, match=r"'scripted:uniform' cannot sample\. Name an instruct model with --encoder"
    ):
        prepare_study("town", model="scripted:uniform", settings=SETTINGS)
    writer = ScriptedModel("w", draws=[], can=frozenset({Capability.SAMPLE, Capability.CHAT}))
    with pytest.raises(UnsupportedError, match="'w' cannot score_options"):
        prepare_study("town", model=writer, settings=SETTINGS)


def test_the_command_makes_the_same_study_again(tmp_path):
    settings = SETTINGS.model_copy(update={"data": {"path": "folder"}, "seed": 3})
    command = run(decodes, tmp_path, settings=settings).command
    assert command.startswith("pluralign raters run town --model decoder --encoder encoder --raters 0 ")
    assert command.endswith("--seed 3 --data path=folder")


@pytest.mark.parametrize("source", ["polis", "nothing"])
def test_data_without_people_are_refused(source, monkeypatch, town):
    crowd = town.model_copy(
        update={
            "questions": tuple(
                question.model_copy(update={"counts": {"all": (30.0, 20.0)}}) for question in town.questions
            ),
            "groups": (Group(id="all"),),
        }
    )
    monkeypatch.setattr(rater_plan, "load_source", lambda *_: Loaded(crowd))
    with pytest.raises(ValueError, match="holds 0 single people"):
        prepare_study(source, model=ScriptedModel(draws=[]), settings=SETTINGS)


def test_results_are_strict_json(tmp_path):
    run(decodes, tmp_path)
    json.loads((tmp_path / "results.json").read_text(), parse_constant=lambda name: pytest.fail(name))
