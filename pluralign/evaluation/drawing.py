"""Drawing responses to open prompts: the same draws whatever is asked together, and one bad prompt costs only itself."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pluralign.errors import ModelError
from pluralign.models.protocol import Draw, LanguageModel, Prompt, SamplingParams
from pluralign.records import Response, content_hash


class DrawUnit(Protocol):
    """One draw of the response to a prompt.

    Attributes:
        key: Row key of the response, a hash of everything that can change it.
        prompt_id: Id of the prompt.
        draw: Number of the draw, from 0.
    """

    @property
    def key(self) -> str: ...

    @property
    def prompt_id(self) -> str: ...

    @property
    def draw(self) -> int: ...


U = TypeVar("U", bound=DrawUnit)


def draw_responses(
    model: LanguageModel,
    units: Sequence[U],
    *,
    prompt: Callable[[U], Prompt],
    params: Callable[[U], SamplingParams],
    row: Callable[[U, Draw | ModelError], Response],
    block: int,
    seed: int,
) -> list[Response]:
    """Ask block by block; where that fails, one by one, so that one bad unit does not cost its neighbours.

    A draw depends on its prompt, the seed and its number only, so that what is asked together, and how many draws
    there are, do not matter.

    Args:
        model: Who is asked.
        units: The draws.
        prompt: What is asked; the same for all draws of a prompt.
        params: How is drawn; the same for all draws of a prompt.
        row: The response of a unit, from its draw or from what went wrong.
        block: Draws of a prompt that are made together, with one seed: enough for the model to batch. Part of what
            a draw is.
        seed: Seed of the draws.

    Returns:
        One response a unit, in order.
    """
    found: dict[str, Response] = {}
    for number, how in dict.fromkeys((unit.draw // block, params(unit)) for unit in units):
        own = [unit for unit in units if (unit.draw // block, params(unit)) == (number, how)]
        within = [unit.draw % block for unit in own]
        prompts = {unit.prompt_id: prompt(unit) for unit in own}
        try:
            draws = model.sample(
                list(prompts.values()),
                n=1 + max(within),
                seed=int(content_hash(["responses", seed, number])[:8], 16),
                params=how,
            )
            of_prompt = dict(zip(prompts, draws, strict=True))
            drawn = [of_prompt[unit.prompt_id][place] for unit, place in zip(own, within, strict=True)]
            found |= {unit.key: row(unit, draw) for unit, draw in zip(own, drawn, strict=True)}
        except ModelError as error:
            if len(units) == 1:
                return [row(own[0], error)]
            for unit in own:
                (found[unit.key],) = draw_responses(
                    model, [unit], prompt=prompt, params=params, row=row, block=block, seed=seed
                )
    return [found[unit.key] for unit in units]
