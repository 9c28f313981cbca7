"""The spectrum suite: sources of sequences by name, one a file, and building a training set of them."""

from pluralign.spectrum.suite.build import Built, PartCounts, Tokens, build_suite, open_part
from pluralign.spectrum.suite.catalogue import SUITE, get_source
from pluralign.spectrum.suite.plan import Part, Plan, Share, SuiteRecipe, load_suite_recipe, plan_suite
from pluralign.spectrum.suite.source import DataPlace, Needs, Opened, Opening, Rows, Source
from pluralign.spectrum.suite.stored import read_sequences

__all__ = [
    "SUITE",
    "Built",
    "DataPlace",
    "Needs",
    "Opened",
    "Opening",
    "Part",
    "PartCounts",
    "Plan",
    "Rows",
    "Share",
    "Source",
    "SuiteRecipe",
    "Tokens",
    "build_suite",
    "get_source",
    "load_suite_recipe",
    "open_part",
    "plan_suite",
    "read_sequences",
]
