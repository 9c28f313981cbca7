"""All sources of the suite by name, and where each stands."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.spectrum.suite import (
    ambient,
    dices,
    diffuse,
    flight,
    global_opinions,
    gsm8k,
    habermas,
    helpsteer,
    jeopardy,
    multipico,
    opinionqa,
    polis,
    prism,
    reviews,
    social_choice,
    synthetic,
    titanic,
    valueprism,
)
from pluralign.spectrum.suite.own import is_own, own_source
from pluralign.spectrum.suite.source import Source

_MODULES = (
    synthetic,
    ambient,
    dices,
    diffuse,
    gsm8k,
    helpsteer,
    reviews,
    jeopardy,
    multipico,
    opinionqa,
    polis,
    prism,
    social_choice,
    titanic,
    valueprism,
    flight,
    global_opinions,
    habermas,
)

SUITE: Mapping[str, Source] = MappingProxyType({
    source.name: source for module in _MODULES for source in module.SOURCES
})


def get_source(name: str) -> Source:
    """A source of the suite by name, or a task of one's own by its file.

    Raises:
        ConfigurationError: No such source, or the YAML of one's own task is wrong.
        DataError: The table of one's own task is wrong.
    """
    if name in SUITE:
        return SUITE[name]
    if is_own(Path(name)):
        return own_source(Path(name))
    raise ConfigurationError(f"Unknown source {name!r}.{did_you_mean(name, SUITE)}")
