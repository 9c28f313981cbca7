"""Lists of things to draw from, such as fruits, first names and dates, each in random order, nothing twice."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pluralign.data.reading import parse_json, read_text
from pluralign.errors import DataError
from pluralign.spectrum.suite.blocks import permuted, pool, strings
from pluralign.spectrum.suite.source import Instance, Needs, Opened, Opening, Source, Split
from pluralign.spectrum.tasks import TaskSettings

N_ORDERS = 10  # of each list: arXiv 2510.06084
# Random integers, primes and weekdays are asked for by evaluations of coverage and of random processes.
_MEASURED = ("numbers/rng-", "numbers/prime-", "day-date/day-")
_FOLDER = "diffuse_distributions"


def is_measured(name: str) -> bool:
    """Whether a list, by its path below the folder, is kept for evaluation."""
    return name.startswith(_MEASURED)


def read_list(path: Path) -> tuple[str, tuple[str, ...]]:
    """What is asked for, and the things that are right, without the curly braces of the file.

    Raises:
        DataError: The file is not of the form {"request": text, "targets": [texts]}.
    """
    content = parse_json(read_text(path), where=str(path))
    request = content.get("request") if isinstance(content, dict) else None
    targets = content.get("targets") if isinstance(content, dict) else None
    if (
        not isinstance(request, str)
        or not isinstance(targets, list)
        or not all(isinstance(t, str) for t in targets)
    ):
        raise DataError(f"{path}: a text 'request' and a list of texts 'targets' are needed.")
    # What follows the first sentence is about curly braces and code.
    asked = request.split(". ")[0].strip().rstrip(".")
    bare = (
        "\n".join(line.strip().removeprefix("{").removesuffix("}") for line in t.split("\n")) for t in targets
    )
    return asked, tuple(dict.fromkeys(text for text in bare if text.strip()))


def _opened(start: Opening, *, wanted: Callable[[str], bool]) -> Opened:
    folder = start.place.path(_FOLDER)
    lists: list[Instance] = []
    for path in sorted(folder.glob("*/*.json")):
        if wanted(path.relative_to(folder).as_posix()):
            asked, items = read_list(path)
            lists.append(pool(strings(items), [f"{asked}, without replacement."]))
    if not lists:
        raise DataError(f"{folder}: holds no such list.")
    return permuted(lists, n_orders=N_ORDERS)


def _source(name: str, *, split: Split, n_lists: int, wanted: Callable[[str], bool], what: str) -> Source:
    return Source(
        name=name,
        split=split,
        what=what,
        origin="github.com/y0mingzhang/diffuse-distributions",
        licence="MIT",
        citation="Zhang et al. 2024, arXiv:2404.10859",
        material=(f"diffuse distributions, {'measured' if split == 'held_out' else 'other'} lists",),
        opened=partial(_opened, wanted=wanted),
        n_rows=n_lists * N_ORDERS,
        settings=TaskSettings(
            mean_examples=None,
            max_examples=256,
            description_keep_prob=1.0 if split == "held_out" else 0.8,
        ),
        needs=Needs(
            files=(_FOLDER,),
            how="the folder prompts of github.com/y0mingzhang/diffuse-distributions as DIR/diffuse_distributions",
        ),
    )


SOURCES = (
    _source(
        "diffuse",
        split="train",
        n_lists=21,
        wanted=lambda name: not is_measured(name),
        what="a list in random order: fruits, occupations, countries, dates, first names",
    ),
    _source(
        "diffuse_held_out",
        split="held_out",
        n_lists=6,
        wanted=is_measured,
        what="a list in random order: random integers, primes, weekdays",
    ),
)
