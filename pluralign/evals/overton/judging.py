"""Asking a judge which views the sentences of responses state, and which they deny."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.errors import ConfigurationError, DataError, ModelError, did_you_mean
from pluralign.evals.overton.judged import Array, JudgedResponse
from pluralign.judges.entailment import Entailed, Entailment, Pair
from pluralign.judges.sentences import split_sentences, states_opinion
from pluralign.records import Outcome, Response, Window, content_hash

# Premise (a sentence, or the whole response) and statement of a view -> what the judge is asked.
_Asking = Callable[[str, str], Pair]


@dataclass(frozen=True)
class PublishedVerdicts(JudgedResponse):
    """Verdicts in the published direction: does the view's explanation (the premise) entail the sentence?

    The reverse of what `JudgedResponse` holds, and a type of its own so that the two cannot be mixed up.
    Shapes as there; the last column, of the whole response, is NaN, as nothing was published of it.
    """


def judge_responses(
    windows: Sequence[Window], responses: Iterable[Response], *, judge: Entailment
) -> list[JudgedResponse]:
    """Ask of every statement of a window's views whether each sentence, and the whole response, states it.

    The judge is called once, with each pair of texts once.

    Args:
        windows: The windows, no id twice.
        responses: Responses to them. One that failed or is empty of words is not judged.
        judge: Who says what is stated; not the model that wrote the responses.

    Returns:
        One a response, in order. Where the judge gave no verdict on one of a view's statements, that view's
        verdict for that premise is NaN.

    Raises:
        DataError: A response to a window that is not there.
        ModelError: The judge returned another number of verdicts than it was asked for.
    """
    return _judge(list(_met(windows, responses)), judge=judge)


def judge_elsewhere(
    windows: Sequence[Window], responses: Iterable[Response], *, judge: Entailment, seed: int = 0
) -> list[JudgedResponse]:
    """The same for another window's views: what the judge finds where there should be nothing to find.

    Windows stand in a circle in an order that the seed decides, and the responses to each are held against
    the views of the next one.

    Args:
        windows: At least two windows, no id twice.
        responses: Responses to them.
        judge: As in `judge_responses`.
        seed: Decides the order.

    Raises:
        ConfigurationError: There is one window only.
        DataError: A response to a window that is not there.
        ModelError: The judge returned another number of verdicts than it was asked for.
    """
    if len(windows) < 2:
        raise ConfigurationError(
            "windows: at least two are needed, to hold a response against another's views."
        )
    circle = sorted(windows, key=lambda window: content_hash([seed, window.id]))
    following = {window.id: circle[i - 1] for i, window in enumerate(circle)}
    met = [(following[window.id], response) for window, response in _met(windows, responses)]
    return _judge(met, judge=judge)


def judge_published(
    windows: Sequence[Window], responses: Iterable[Response], *, judge: Entailment
) -> list[PublishedVerdicts]:
    """Ask as Modular Pluralism does (Feng et al. 2024): premise a view's explanation, hypothesis a sentence.

    For the preset `modular_pluralism` only. Sentences are ours, as the published splitting is not stated.

    Args:
        windows: The windows, no id twice; the statements of a view are its explanations.
        responses: Responses to them.
        judge: Who says what is entailed.

    Raises:
        DataError: A response to a window that is not there.
        ModelError: The judge returned another number of verdicts than it was asked for.
    """
    texts = [_Texts(window, response) for window, response in _met(windows, responses)]
    verdicts = _verdicts(
        [text.pairs(lambda sentence, statement: Pair(statement, sentence), whole=False) for text in texts],
        judge,
    )
    return [
        PublishedVerdicts(text.window, text.response, text.sentences, *text.matrices(found), text.opinions)
        for text, found in zip(texts, verdicts, strict=True)
    ]


class _Texts:
    """A response cut into sentences, beside the window it is held against."""

    def __init__(self, window: Window, response: Response) -> None:
        self.window = window
        self.response = response
        is_written = response.outcome in {Outcome.OK, Outcome.TRUNCATED} and response.text.strip()
        self.whole = response.text.strip() if is_written else ""
        self.sentences = split_sentences(self.whole) if is_written else ()
        self.opinions = np.array([states_opinion(sentence) for sentence in self.sentences], dtype=np.bool_)

    def pairs(self, asking: _Asking, *, whole: bool) -> list[list[list[Pair]]]:
        """What is asked by viewpoint, premise and statement."""
        premises = [*self.sentences, self.whole] if whole and self.sentences else self.sentences
        return [
            [[asking(premise, statement) for statement in viewpoint.statements] for premise in premises]
            for viewpoint in self.window.viewpoints
        ]

    def matrices(self, found: Sequence[Sequence[Sequence[Entailed | None]]]) -> tuple[Array, Array]:
        """Entailment and contradiction, each (n_viewpoints, n_sentences + 1); NaN where nothing was asked."""
        shape = (len(self.window.viewpoints), len(self.sentences) + 1)
        entailment, contradiction = np.full(shape, np.nan), np.full(shape, np.nan)
        for row, of_view in enumerate(found):
            for column, of_premise in enumerate(of_view):
                if all(verdict is not None for verdict in of_premise):
                    known = [verdict for verdict in of_premise if verdict is not None]
                    entailment[row, column] = max(verdict.entailment_prob for verdict in known)
                    contradiction[row, column] = max(verdict.contradiction_prob for verdict in known)
        return entailment, contradiction


def _judge(met: Sequence[tuple[Window, Response]], *, judge: Entailment) -> list[JudgedResponse]:
    texts = [_Texts(window, response) for window, response in met]
    verdicts = _verdicts([text.pairs(Pair, whole=True) for text in texts], judge)
    return [
        JudgedResponse(text.window, text.response, text.sentences, *text.matrices(found), text.opinions)
        for text, found in zip(texts, verdicts, strict=True)
    ]


def _met(windows: Sequence[Window], responses: Iterable[Response]) -> Iterator[tuple[Window, Response]]:
    """Each response with its window."""
    by_id = {window.id: window for window in windows}
    if len(by_id) < len(windows):
        ids = [window.id for window in windows]
        twice = next(each for each in ids if ids.count(each) > 1)
        raise DataError(f"windows: the id {twice!r} stands there twice.")
    for response in responses:
        if response.window_id not in by_id:
            known = did_you_mean(response.window_id, by_id)
            raise DataError(f"A response is to the unknown window {response.window_id!r}.{known}")
        yield by_id[response.window_id], response


def _verdicts(
    asked: Sequence[Sequence[Sequence[Sequence[Pair]]]], judge: Entailment
) -> list[list[list[list[Entailed | None]]]]:
    """One verdict a pair, nested as the pairs are; the judge sees each pair once, all in one call."""
    unique = list(dict.fromkeys(pair for text in asked for view in text for row in view for pair in row))
    said = judge.entail(unique) if unique else []
    if len(said) != len(unique):
        raise ModelError(f"The judge {judge.id} gave {len(said)} verdicts on {len(unique)} pairs of texts.")
    known = dict(zip(unique, said, strict=True))
    return [[[[known[pair] for pair in row] for row in view] for view in text] for text in asked]
