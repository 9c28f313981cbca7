"""The steerer: guarded value profiles in front of a model, one draw or ten thousand prompts at a time."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Literal, TypedDict, Unpack, overload

from pluralign.elicitation import Ask, check_capable
from pluralign.errors import ConfigurationError, ModelError, UnsupportedError, did_you_mean
from pluralign.guard.guard import Guard
from pluralign.models import load_model
from pluralign.models.protocol import Capability, Chat, Draw, LanguageModel, Message, SamplingParams
from pluralign.models.sampling import check_params
from pluralign.overton import Synthesis, respond
from pluralign.profiles import Style
from pluralign.records import Condition, Option, Question, content_hash
from pluralign.runs.engine import Progress
from pluralign.steering.batch import Batch, work_off_batch
from pluralign.steering.drawing import Checking, Job, Unit, draw_all, failed, steered, units_of
from pluralign.steering.results import Distribution, MemberDistribution, Steered, mixed
from pluralign.steering.speakers import ProfileLike, Speaker, Speaking, admit
from pluralign.steering.streaming import SteeredStream, Streaming
from pluralign.steering.ways import SteeredLogProb, Voice, Way, chosen_way, messages_of, style_for

MAX_NEW_TOKENS = 256

Asked = str | Chat | Sequence[Message | Mapping[str, str]]


class Sampling(TypedDict, total=False):
    """How draws are made.

    Attributes:
        temperature: 1 where it is not given: the model's own distribution.
        top_p: Only the likeliest tokens up to this probability; 1.
        max_new_tokens: Length of an answer at most; `MAX_NEW_TOKENS`.
        stop: Strings that end an answer; none.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    stop: Sequence[str]


class Steerer:
    """Puts value profiles in front of a model; every profile is admitted by the guard before a token is computed.

    A profile is given by id, file, fields (a mapping), `ValueProfile` or `ApprovedProfile`. A sequence of them, each
    alone or as (profile, weight), is a mixture: each draw picks one of them, so that many draws are a population.

    Calls from several threads take turns at the model, see `max_concurrent`. The methods that begin with "a" do the same in a thread, for
    `await`: they keep an event loop free, and make nothing faster.

    Attributes:
        model: Who is asked.
        guard: Who admits profiles and checks outputs.
        way: How profiles are put to the model.
        style: How they are worded: "first_person", "portrait" or "data".
        check_outputs: Whose outputs the guard checks: "watched", of profiles that it admitted without clearing
            them, or "all".
    """

    def __init__(
        self,
        model: LanguageModel | str,
        guard: Guard | None = None,
        *,
        style: Style | str | None = None,
        way: Way | str | None = None,
        check_outputs: Checking = "watched",
        nonce: str | None = None,
        max_concurrent: int = 1,
    ) -> None:
        """Steer a model.

        Args:
            model: A model, or the name of one for `load_model`.
            guard: None: `Guard.default()`.
            style: None: "portrait" for the way `persona`, "first_person" for the others.
            way: None: by what the model can do.
            check_outputs: "watched" or "all".
            nonce: Secret that the codes of the profiles' blocks follow from; with the same nonce and seed the same is
                answered. None: one drawn anew for this steerer, so that nobody can know the codes.
            max_concurrent: Calls of the model at once, where several threads or tasks steer. A model in memory takes
                one; one behind a server takes as many as the server.

        Raises:
            ConfigurationError: An unknown model, way, style or check, or a number below 1.
            UnsupportedError: The model cannot be steered that way.
        """
        self.model = load_model(model) if isinstance(model, str) else model
        self.way = chosen_way(way, self.model)
        known = [each.value for each in Style]
        if style is not None and style not in known:
            raise ConfigurationError(f"style: there is no style {str(style)!r}: take {', '.join(known)}.")
        self.style = style_for(self.way) if style is None else Style(style)
        if check_outputs not in {"watched", "all"}:
            raise ConfigurationError(
                f"check_outputs: there is no {check_outputs!r}: take 'watched' or 'all'."
            )
        self.check_outputs: Checking = check_outputs
        self.guard = Guard.default() if guard is None else guard
        self._given_nonce = nonce
        self._nonce = nonce or secrets.token_hex()
        if max_concurrent < 1:
            raise ConfigurationError(
                f"max_concurrent: {max_concurrent} is not possible; it must be 1 or more."
            )
        self._turn = BoundedSemaphore(max_concurrent)

    @overload
    def generate(
        self,
        prompt: Asked,
        *,
        profile: Speaking,
        n: int = ...,
        seed: int = ...,
        stream: Literal[False] = ...,
        **sampling: Unpack[Sampling],
    ) -> tuple[Steered, ...]: ...

    @overload
    def generate(
        self,
        prompt: Asked,
        *,
        profile: Speaking,
        n: int = ...,
        seed: int = ...,
        stream: Literal[True],
        **sampling: Unpack[Sampling],
    ) -> SteeredStream: ...

    def generate(
        self,
        prompt: Asked,
        *,
        profile: Speaking,
        n: int = 1,
        seed: int = 0,
        stream: bool = False,
        **sampling: Unpack[Sampling],
    ) -> tuple[Steered, ...] | SteeredStream:
        """Answer a prompt n times as one who holds a profile.

        Args:
            prompt: What is asked: text, or messages of which the last is the user's.
            profile: A profile, or a mixture.
            n: Number of draws; draw j is the same whatever n is.
            seed: Seed of the draws, and of which profile of a mixture speaks in each.
            stream: Give one answer piece by piece: iterate over what is returned, then read its `result`. The text is
                that of the same call without `stream`. The answer is drawn in parts, each twice as long as the one
                before, so that it costs about twice the tokens and its beginning comes early; a model that does not
                follow seeds is asked once. What must pass the guard comes sentence by sentence.
            **sampling: See `Sampling`.

        Returns:
            One result a draw, in order. A text that the guard withholds is a result with its ruling.

        Raises:
            ProfileRefused: The guard does not serve the profile; no token was computed.
            ConfigurationError: An unknown profile, nothing asked, or a setting out of range.
            UnsupportedError: The model cannot be sampled.
            ModelError: The model failed.
        """
        params = self._params(n, **sampling)
        if stream and n != 1:
            raise ConfigurationError(f"n: one answer can be streamed, not {n}.")
        messages = messages_of(prompt)
        speaker = admit(profile, guard=self.guard)
        job = Job(messages, speaker, self._voices(speaker, nonce=self._nonce))
        units = units_of(job, n=n, seed=seed, identity=self._identity(params, seed=seed, nonce=self._nonce))
        if stream:
            return self._stream(units[0], params=params, seed=seed)
        with self._turn:
            draws = draw_all(self.model, units, seed=seed, params=params)
        return self._results(units, draws, seed=seed)

    def generate_many(
        self,
        prompts: Sequence[Asked],
        *,
        profiles: Sequence[Speaking],
        out: Path | str,
        n: int = 1,
        seed: int = 0,
        progress: Progress | None = None,
        **sampling: Unpack[Sampling],
    ) -> list[Steered]:
        """Answer every prompt for every profile, with every answer on disk at once.

        Prompts are asked together profile by profile, so that a model in memory reads each profile once. The same
        call again asks only what is missing or failed. Without a nonce of the steerer's own the codes of the blocks
        follow from the seed, because what is asked later must be asked in the same words.

        Args:
            prompts: What is asked; each as in `generate`.
            profiles: For whom: profiles or mixtures, each as in `generate`.
            out: Folder of the run: run.json, config.json, steered.jsonl with a row a draw, and at the end results.json
                with counts.
            n: Draws for each prompt and profile.
            seed: As in `generate`.
            progress: Called after each step with (finished, planned) draws.
            **sampling: See `Sampling`.

        Returns:
            The results in the order of the input: prompts, within each the profiles, within each the draws. Where the
            model failed, the result says so.

        Raises:
            ProfileRefused: The guard does not serve one of the profiles; no token was computed.
            ConfigurationError: As `generate`; or there is nothing to do.
            UnsupportedError: The model cannot be sampled.
            StorageError: The folder holds another run, or cannot be written.
            InterruptedRunError: Ctrl-C; what was answered is on disk.
        """
        params = self._params(n, **sampling)
        for name, given in (("prompts", prompts), ("profiles", profiles)):
            if isinstance(given, str) or not given:
                raise ConfigurationError(f"{name}: give a sequence, with one at least.")
        nonce = self._given_nonce or f"steering {seed}"
        batch = Batch(ask=partial(self._ask, params=params, seed=seed), seed=seed, n=n)
        identity = self._identity(params, seed=seed, nonce=nonce)
        jobs = self._jobs(prompts, profiles, nonce=nonce)
        return work_off_batch(batch, jobs, identity=identity, out=Path(out), progress=progress)

    def distribution(
        self,
        question: Question | str,
        *,
        profile: Speaking,
        options: Sequence[str] | None = None,
        max_orders: int | None = None,
    ) -> Distribution:
        """How the model, as one who holds a profile, would answer a question with options, exactly.

        Args:
            question: A question, or its text.
            profile: A profile, or a mixture: its distribution is the mean of its members', weighted by their shares.
            options: What may be answered, where the question is a text.
            max_orders: At most this many cyclic orders of the options are averaged over; None: all.

        Returns:
            The distribution with its valid mass, and each member's own.

        Raises:
            ProfileRefused: The guard does not serve the profile; no token was computed.
            ConfigurationError: An unknown profile, or a question that cannot be asked.
            UnsupportedError: The model cannot score options.
            ModelError: The model failed.
        """
        asked = _question(question, options)
        if max_orders is not None and max_orders < 1:
            raise ConfigurationError(f"max_orders: {max_orders} is not possible; it must be 1 or more.")
        speaker = admit(profile, guard=self.guard)
        members = []
        for number, voice in enumerate(self._voices(speaker, nonce=self._nonce)):
            elicitation = SteeredLogProb(way=self.way, max_orders=max_orders)
            check_capable(self.model, elicitation)
            condition = Condition(kind="profile", id=voice.profile.id, text=voice.opening)
            key = content_hash([
                *(self._facts(), asked.model_dump(mode="json"), condition.model_dump(mode="json")),
                dict(elicitation.settings()),
            ])
            with self._turn:
                (answer,) = elicitation.answers(self.model, [Ask(key, asked, condition)])
            members.append(
                MemberDistribution(
                    profile_id=voice.profile.id,
                    profile_hash=speaker.hashes[number],
                    share=min(1.0, speaker.shares[number]),
                    answer=answer,
                )
            )
        return mixed(tuple(members), question_id=asked.id, options=asked.option_texts)

    def overton(
        self, question: Question | str, *, profiles: Sequence[ProfileLike], **settings: Any
    ) -> Synthesis:
        """One answer that presents the views of several profiles: `pluralign.overton.respond`, which says more.

        Args:
            question: What is asked.
            profiles: Whose views are presented.
            **settings: seed, temperature, max_new_tokens, view_tokens and synthesiser of `respond`.

        Raises:
            ProfileRefused: The guard does not serve one of the profiles.
            ConfigurationError: A profile is unknown or given twice.
            UnsupportedError: The model cannot be sampled, or has no chat format.
            ModelError: The model failed.
        """
        text = question.text if isinstance(question, Question) else question
        approved = [admit(each, guard=self.guard).approved for each in profiles]
        with self._turn:
            return respond(
                text, self.model, profiles=approved, guard=self.guard, nonce=self._nonce, **settings
            )

    @overload
    async def agenerate(
        self, prompt: Asked, *, profile: Speaking, stream: Literal[False] = False, **settings: Any
    ) -> tuple[Steered, ...]: ...

    @overload
    async def agenerate(
        self, prompt: Asked, *, profile: Speaking, stream: Literal[True], **settings: Any
    ) -> SteeredStream: ...

    async def agenerate(
        self, prompt: Asked, *, profile: Speaking, **settings: Any
    ) -> tuple[Steered, ...] | SteeredStream:
        """`generate` in a thread; with `stream=True`, iterate over what is returned with `async for`."""
        return await asyncio.to_thread(partial(self.generate, prompt, profile=profile, **settings))

    async def agenerate_many(self, prompts: Sequence[Asked], **settings: Any) -> list[Steered]:
        """`generate_many` in a thread."""
        return await asyncio.to_thread(partial(self.generate_many, prompts, **settings))

    async def adistribution(self, question: Question | str, **settings: Any) -> Distribution:
        """`distribution` in a thread."""
        return await asyncio.to_thread(partial(self.distribution, question, **settings))

    async def aoverton(self, question: Question | str, **settings: Any) -> Synthesis:
        """`overton` in a thread."""
        return await asyncio.to_thread(partial(self.overton, question, **settings))

    def _stream(self, unit: Unit, *, params: SamplingParams, seed: int) -> SteeredStream:
        prompt = unit.job.voices[unit.member].prompt(unit.job.messages)

        def draw(params: SamplingParams) -> Draw:
            with self._turn:
                ((drawn,),) = self.model.sample([prompt], n=1, seed=seed, params=params)
            return drawn

        streaming = Streaming(
            unit,
            self.model,
            prompt=prompt,
            draw=draw,
            params=params,
            seed=seed,
            guard=self.guard,
            checking=self.check_outputs,
        )
        return SteeredStream(streaming.pieces())

    def _ask(self, units: Sequence[Unit], *, params: SamplingParams, seed: int) -> Sequence[Steered]:
        """Ask units together; where that fails, one by one, so that one bad prompt does not cost its neighbours."""
        try:
            with self._turn:
                draws = draw_all(self.model, units, seed=seed, params=params)
        except ModelError as error:
            if len(units) > 1:
                return [self._ask([unit], params=params, seed=seed)[0] for unit in units]
            return [failed(units[0], error=str(error), model_id=self.model.id, seed=seed)]
        return self._results(units, draws, seed=seed)

    def _results(self, units: Sequence[Unit], draws: Sequence[Draw], *, seed: int) -> tuple[Steered, ...]:
        give = partial(
            steered, model_id=self.model.id, seed=seed, guard=self.guard, checking=self.check_outputs
        )
        return tuple(give(unit, draw) for unit, draw in zip(units, draws, strict=True))

    def _jobs(self, prompts: Sequence[Asked], profiles: Sequence[Speaking], *, nonce: str) -> list[Job]:
        """Every prompt for every profile, the profiles outermost."""
        asked = [messages_of(prompt) for prompt in prompts]
        speakers = [admit(each, guard=self.guard) for each in profiles]
        voices = [self._voices(speaker, nonce=nonce) for speaker in speakers]
        return [
            Job(messages, speaker, own, prompt=prompt, number=number)
            for number, (speaker, own) in enumerate(zip(speakers, voices, strict=True))
            for prompt, messages in enumerate(asked)
        ]

    def _voices(self, speaker: Speaker, *, nonce: str) -> tuple[Voice, ...]:
        texts = speaker.approved.system_prompts(style=self.style, nonce=nonce)
        return tuple(
            Voice(self.way, profile, text)
            for profile, text in zip(speaker.approved.profiles, texts, strict=True)
        )

    def _params(self, n: int, **sampling: Unpack[Sampling]) -> SamplingParams:
        """Parameters of draws that can be made.

        Raises:
            ConfigurationError: One is unknown or out of range.
            UnsupportedError: The model cannot be sampled.
        """
        if Capability.SAMPLE not in self.model.can:
            raise UnsupportedError(
                f"Answers are drawn, but {self.model.id!r} cannot sample; distribution() asks it with options."
            )
        if n < 1:
            raise ConfigurationError(f"n: {n} draws cannot be made; it must be 1 or more.")
        known = sorted(Sampling.__annotations__)
        if unknown := sorted(set(sampling) - set(known)):
            raise ConfigurationError(f"There is no setting {unknown[0]!r}.{did_you_mean(unknown[0], known)}")
        stop = sampling.get("stop", ())
        params = SamplingParams(
            temperature=sampling.get("temperature", 1.0),
            top_p=sampling.get("top_p", 1.0),
            max_new_tokens=sampling.get("max_new_tokens", MAX_NEW_TOKENS),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
        )
        check_params(params)
        return params

    @cached_property
    def _fingerprint(self) -> dict[str, str]:
        return dict(self.model.fingerprint())

    def _facts(self) -> dict[str, Any]:
        """What all answers of this steerer depend on."""
        return {
            "model": self.model.id,
            "fingerprint": self._fingerprint,
            "way": self.way.value,
            "style": self.style.value,
        }

    def _identity(self, params: SamplingParams, *, seed: int, nonce: str) -> dict[str, Any]:
        """Everything beside prompt, profile and draw that can change a result."""
        return {
            **self._facts(),
            "params": asdict(params),
            "seed": seed,
            "nonce": content_hash(nonce),
            "check_outputs": self.check_outputs,
            "guard": self.guard.configuration.model_dump(mode="json"),
        }


def _question(question: Question | str, options: Sequence[str] | None) -> Question:
    if isinstance(question, Question):
        if options is not None:
            raise ConfigurationError("options: the question has its own; give them with a text only.")
        asked = question
    else:
        if isinstance(options, str) or not options or not question.strip():
            raise ConfigurationError(
                "question, options: give a text, and a sequence of what may be answered."
            )
        if not all(isinstance(option, str) and option.strip() for option in options):
            raise ConfigurationError("options: each must be a text with something in it.")
        asked = Question(
            id=f"asked-{content_hash([question, list(options)])[:12]}",
            text=question,
            options=tuple(Option(text=option) for option in options),
        )
    if asked.unaskable:
        raise ConfigurationError(f"question: {asked.text!r} cannot be asked: {asked.unaskable}.")
    return asked
