"""Steer-Bench (Chen et al. 2025): multiple-choice items, each with the answer keys of two opposed communities."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import parse_json, read_text
from pluralign.errors import DataError
from pluralign.records import Finding, Group, Option, Question, QuestionSet, content_hash
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe

Side = Literal["r/A", "r/B"]

SOURCE = "Steer-Bench (Chen et al. 2025): github.com/kaichen23/steer-bench. Licence: none stated."

# The lines below a question: "A. Severity of physical symptoms".
_OPTION = re.compile(r"^\s*([A-Z])\.\s*(.*?)\s*$", re.MULTILINE)


class _Topic(Record):
    """A topic of a pair of communities; each community has items, question with options -> key."""

    model_config = ConfigDict(extra="ignore")

    subreddit_pair: Annotated[str, StringConstraints(pattern=r"^[^_]+_[^_]+$")]
    closed_ended: Mapping[Side, tuple[Annotated[Mapping[Text, str], Field(min_length=1, max_length=1)], ...]]

    @property
    def items(self) -> Iterator[tuple[str, str, str]]:
        """Community, question with options, and key."""
        communities = dict(zip(get_args(Side), self.subreddit_pair.split("_"), strict=True))
        for side, items in self.closed_ended.items():
            for item in items:
                for prompt, key in item.items():
                    yield communities[side], prompt, key


@dataclass(frozen=True)
class _Item:
    """A question with its options by letter, of a pair of communities."""

    id: str
    pair: str
    text: str
    options: Mapping[str, str]


def load_steer_bench(*, path: str | Path) -> Loaded:
    r"""Load the multiple-choice items of Steer-Bench.

    The file is a JSON list of topics {"subreddit_pair": "atheism_Christianity", "closed_ended": {"r/A": [{"What
    ...?\nA. ...\nB. ...": "B"}], "r/B": [...]}}; r/A is the first community of the pair. An item is a question
    whose groups are the two communities, "community=r/atheism", each with a share of 1 on the option of its key:
    an answer key, for which nobody was counted. A question's id is the pair and a hash of the item; its topic is
    the pair.

    Args:
        path: The file, `steer-bench.json`.

    Returns:
        The questions, and an unusable finding for each key that is not the letter of one option: "A/B",
        "B. Personal choice", "Not discussed".

    Raises:
        DataError: The file cannot be read, holds no usable item, or has a topic or an item that is malformed;
            names the topic.
    """
    path = Path(path)
    items: dict[str, _Item] = {}
    keys: dict[str, dict[str, str]] = {}
    findings: list[Finding] = []
    for where, topic in _topics(path):
        for community, prompt, key in topic.items:
            item = _item(prompt, pair=topic.subreddit_pair, where=where)
            if key not in item.options:
                findings.append(_unusable_key(key, item, community=community, where=where))
                continue
            if community in keys.setdefault(item.id, {}):
                raise DataError(f"{where}: r/{community} has another key for the same item: {prompt!r}.")
            items[item.id] = item
            keys[item.id][community] = key
    if not items:
        first = f" The first fault: {findings[0].where}: {findings[0].detail}" if findings else ""
        raise DataError(f"{path}: holds no usable item.{first}")
    communities = dict.fromkeys(community for own in keys.values() for community in own)
    return Loaded(
        questions=QuestionSet(
            id="steer_bench",
            questions=tuple(_question(item, keys[name]) for name, item in items.items()),
            groups=tuple(_group(community) for community in communities),
            source=SOURCE,
        ),
        findings=tuple(findings),
    )


def _topics(path: Path) -> Iterator[tuple[str, _Topic]]:
    topics = parse_json(read_text(path), where=str(path))
    if not isinstance(topics, list):
        raise DataError(f"{path}: holds {type(topics).__name__}, a list of topics is needed.")
    for number, topic in enumerate(topics, start=1):
        where = f"{path}, topic {number}"
        try:
            yield where, _Topic.model_validate(topic)
        except ValidationError as error:
            raise DataError(f"{where}: {describe(error)}") from error


def _item(prompt: str, *, pair: str, where: str) -> _Item:
    lines = list(_OPTION.finditer(prompt))
    letters = "".join(line[1] for line in lines)
    text = prompt[: lines[0].start()].strip() if lines else ""
    options = {line[1]: line[2] for line in lines}
    if not text or len(letters) < 2 or not ascii_uppercase.startswith(letters) or not all(options.values()):
        raise DataError(f"{where}: no question with options A, B, ... in lines of their own: {prompt!r}.")
    return _Item(f"{pair}/{content_hash(prompt)[:12]}", pair, text, options)


def _group(community: str) -> Group:
    return Group(id=f"community=r/{community}", text=f"post in the Reddit community r/{community}")


def _question(item: _Item, keys: Mapping[str, str]) -> Question:
    """An item with the keys of its communities."""
    return Question(
        id=item.id,
        text=item.text,
        options=tuple(Option(text=option) for option in item.options.values()),
        shares={
            _group(community).id: tuple(float(letter == key) for letter in item.options)
            for community, key in keys.items()
        },
        topic=item.pair,
    )


def _unusable_key(key: str, item: _Item, *, community: str, where: str) -> Finding:
    return unusable(
        "ambiguous_key",
        f"the key is {key!r}, not one letter out of {', '.join(item.options)}",
        question_id=item.id,
        group=_group(community).id,
        where=where,
    )
