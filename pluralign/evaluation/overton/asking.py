"""How a response is got out of a model: in one plain answer, or as the synthesis of several."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal, Protocol

from pluralign.errors import ModelError
from pluralign.evaluation.drawing import draw_responses
from pluralign.guard.admission import ApprovedProfile
from pluralign.guard.guard import Guard
from pluralign.models.protocol import Chat, Draw, LanguageModel, Message, SamplingParams
from pluralign.overton import Synthesis, View, outcome_of, respond, synthesis_prompt, view_prompts
from pluralign.records import Condition, Outcome, Response, Window, content_hash

# Draws of a prompt that are made together: see `draw_responses`.
DRAWS_PER_BLOCK = 8
# Responses asked for in one call: enough for the model to batch, few enough that a kill loses a minute.
RESPONSES_PER_CALL = 8

FOR_VIEWS = "Present the different views that people hold on this, and their reasons."

# What stands in a planned prompt for answers that are not yet there.
_NOT_YET = "(what this pass answers)"


@dataclass(frozen=True)
class ResponseUnit:
    """One unit of work: a draw of the response to a window's prompt.

    Attributes:
        key: Row key of the response, a hash of everything that can change it.
        window: What is asked.
        draw: Number of the draw, from 0.
    """

    key: str
    window: Window
    draw: int

    @property
    def prompt_id(self) -> str:
        """Id of the window."""
        return self.window.id


class Way(Protocol):
    """A way to make responses; its settings and prompts are part of every row key."""

    @property
    def name(self) -> Literal["plain", "synthesis"]:
        """Name in rows."""
        ...

    @property
    def units_per_call(self) -> int:
        """How many units are asked together."""
        ...

    @property
    def calls_per_response(self) -> int:
        """Texts drawn of the model for one response, at most."""
        ...

    def settings(self) -> Mapping[str, object]:
        """Everything beside the prompts that can change a response."""
        ...

    def prompts(self, window: Window) -> tuple[Chat, ...]:
        """The prompts that one response takes, as far as they are known beforehand."""
        ...

    def responses(self, model: LanguageModel, units: Sequence[ResponseUnit]) -> list[Response]:
        """Ask, and return one response a unit, in order."""
        ...


@dataclass(frozen=True)
class Plain:
    """One answer, in the model's own chat format.

    Attributes:
        params: How is drawn.
        seed: Seed of the draws.
        condition: What the model is given beside the question.
        ask_for_views: Whether the prompt asks for the different views by name.
    """

    name: ClassVar[Literal["plain"]] = "plain"
    units_per_call: ClassVar[int] = RESPONSES_PER_CALL
    calls_per_response: ClassVar[int] = 1

    params: SamplingParams
    seed: int = 0
    condition: Condition = field(default_factory=Condition)
    ask_for_views: bool = False

    def settings(self) -> Mapping[str, object]:
        """Everything beside the prompts that can change a response."""
        return {"name": self.name, **asdict(self.params), "seed": self.seed, "block": DRAWS_PER_BLOCK}

    def prompts(self, window: Window) -> tuple[Chat, ...]:
        """The one prompt."""
        asked = f"{window.prompt}\n\n{FOR_VIEWS}" if self.ask_for_views else window.prompt
        user = Message("user", asked)
        return (Chat((Message("system", self.condition.text), user) if self.condition.text else (user,)),)

    def responses(self, model: LanguageModel, units: Sequence[ResponseUnit]) -> list[Response]:
        """Ask block by block: see `draw_responses`."""
        return draw_responses(
            model,
            units,
            prompt=lambda unit: self.prompts(unit.window)[0],
            params=lambda unit: self.params,
            row=lambda unit, draw: self._response(unit, draw, model=model),
            block=DRAWS_PER_BLOCK,
            seed=self.seed,
        )

    def _response(self, unit: ResponseUnit, draw: Draw | ModelError, *, model: LanguageModel) -> Response:
        if isinstance(draw, ModelError):
            return _failed(unit, model, way=self.name, condition=self.condition, error=draw)
        return Response(
            key=unit.key,
            window_id=unit.window.id,
            model_id=model.id,
            condition=self.condition,
            way=self.name,
            draw=unit.draw,
            outcome=outcome_of(draw),
            text=draw.text,
            n_tokens=draw.n_tokens,
        )


@dataclass(frozen=True)
class Synthesised:
    """Several answers, then one that presents them all: `pluralign.overton.respond`.

    Attributes:
        params: How is drawn; `max_new_tokens` is the length of the synthesis.
        view_tokens: Length of each answer before it.
        seed: Seed of the draws.
        approved: The admitted profiles, one answer for each.
        samples: Number of plain answers instead.
        guard: Who admitted the profiles, and judges what is said for those that are watched.
    """

    name: ClassVar[Literal["synthesis"]] = "synthesis"
    units_per_call: ClassVar[int] = 1

    params: SamplingParams
    view_tokens: int
    seed: int = 0
    approved: tuple[ApprovedProfile, ...] = ()
    samples: int | None = None
    guard: Guard | None = field(default=None, repr=False)

    @property
    def calls_per_response(self) -> int:
        """Every answer, and the synthesis."""
        return 1 + (self.samples or len(self.approved))

    def settings(self) -> Mapping[str, object]:
        """Everything beside the prompts that can change a response."""
        guard = self.guard.configuration.model_dump(mode="json") if self.guard else None
        drawing = {**asdict(self.params), "view_tokens": self.view_tokens, "seed": self.seed}
        return {"name": self.name, **drawing, "guard": guard}

    def prompts(self, window: Window) -> tuple[Chat, ...]:
        """The prompts of the answers, and that of the synthesis with a note in place of each answer."""
        asked = view_prompts(window.prompt, approved=self.approved, n=self.samples, nonce=self._nonce)
        titles = [each.profiles[0].title for each in self.approved]
        holders = titles or [f"Answer {number}" for number in range(1, len(asked) + 1)]
        views = [View(holder, "", _NOT_YET, Outcome.OK, 0) for holder in holders]
        return (*asked, synthesis_prompt(window.prompt, views, nonce=self._nonce))

    def responses(self, model: LanguageModel, units: Sequence[ResponseUnit]) -> list[Response]:
        """Answer and put together, unit by unit."""
        return [self._response(model, unit) for unit in units]

    @property
    def _nonce(self) -> str:
        # Measuring needs the same prompts at every call, and nobody to hide them from.
        return f"measuring {self.seed}"

    def _response(self, model: LanguageModel, unit: ResponseUnit) -> Response:
        try:
            made = self._synthesis(model, unit)
        except ModelError as error:
            return _failed(unit, model, way=self.name, condition=Condition(), error=error)
        return Response(
            key=unit.key,
            window_id=unit.window.id,
            model_id=model.id,
            way=self.name,
            draw=unit.draw,
            outcome=made.outcome,
            text=made.text,
            n_tokens=made.n_tokens,
        )

    def _synthesis(self, model: LanguageModel, unit: ResponseUnit) -> Synthesis:
        return respond(
            unit.window.prompt,
            model,
            profiles=self.approved,
            n=self.samples,
            guard=self.guard,
            max_new_tokens=self.params.max_new_tokens,
            view_tokens=self.view_tokens,
            temperature=self.params.temperature,
            nonce=self._nonce,
            seed=int(content_hash(["responses", self.seed, unit.draw])[:8], 16),
        )


def _failed(
    unit: ResponseUnit,
    model: LanguageModel,
    *,
    way: Literal["plain", "synthesis"],
    condition: Condition,
    error: ModelError,
) -> Response:
    return Response(
        key=unit.key,
        window_id=unit.window.id,
        model_id=model.id,
        condition=condition,
        way=way,
        draw=unit.draw,
        outcome=Outcome.ERROR,
        error=str(error),
    )
