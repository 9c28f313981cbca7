"""Drawing in blocks: what is asked together does not change a draw, and prompts that fail cost only themselves."""

from dataclasses import dataclass

import pytest

from pluralign.errors import ModelError
from pluralign.evaluation.drawing import draw_responses
from pluralign.models import ScriptedModel
from pluralign.models.protocol import Chat, Message, SamplingParams
from pluralign.records import Outcome, Response

BLOCK = 4


@dataclass(frozen=True)
class Unit:
    prompt_id: str
    draw: int
    length: int = 9

    @property
    def key(self):
        return f"{self.prompt_id}-{self.draw}"


class Counting(ScriptedModel):
    def __init__(self, *, fail_on=""):
        super().__init__(draws=lambda prompt, number: f"{prompt} {number}")
        self.calls, self.fail_on = [], fail_on

    def sample(self, prompts, *, n, seed, params):
        texts = [prompt.messages[0].content for prompt in prompts]
        if self.fail_on in texts:
            raise ModelError("broken")
        self.calls.append((tuple(texts), n, params.max_new_tokens))
        return super().sample(prompts, n=n, seed=seed, params=params)


def row(unit, draw):
    common = {"key": unit.key, "window_id": unit.prompt_id, "model_id": "m", "draw": unit.draw}
    if isinstance(draw, ModelError):
        return Response(**common, outcome=Outcome.ERROR, error=str(draw))
    return Response(**common, outcome=Outcome.OK, text=draw.text)


def drawn(units, model=None, seed=0):
    return draw_responses(
        model or Counting(),
        units,
        prompt=lambda unit: Chat((Message("user", unit.prompt_id),)),
        params=lambda unit: SamplingParams(max_new_tokens=unit.length),
        row=row,
        block=BLOCK,
        seed=seed,
    )


def units(*names, n=2 * BLOCK):
    return [Unit(name, draw) for name in names for draw in range(n)]


def test_a_draw_is_the_same_whatever_is_asked_with_it():
    together = {each.key: each.text for each in drawn(units("a", "b"))}
    alone = {each.key: each.text for unit in units("a", "b") for each in drawn([unit])}
    assert together == alone
    assert len(set(together.values())) == len(together)
    assert drawn(units("a"), seed=1) != drawn(units("a"))


def test_rows_come_in_the_order_of_the_units():
    wanted = units("a", "b")[::-1]
    assert [each.key for each in drawn(wanted)] == [unit.key for unit in wanted]


def test_prompts_of_one_block_and_length_are_asked_in_one_call():
    model = Counting()
    drawn([*units("a", "b", n=3), Unit("c", 0, length=5)], model)
    assert model.calls == [(("a", "b"), 3, 9), (("c",), 1, 5)]


@pytest.mark.parametrize("names", [("a", "bad"), ("bad", "a")])
def test_one_bad_prompt_costs_only_itself(names):
    found = drawn(units(*names, n=2), Counting(fail_on="bad"))
    assert {(each.window_id, each.outcome) for each in found} == {("a", Outcome.OK), ("bad", Outcome.ERROR)}
    assert [each.text for each in found if each.window_id == "a"] == [
        each.text for each in drawn(units("a", n=2))
    ]
