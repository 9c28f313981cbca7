"""Countries as groups of people."""

import re

from pluralign.records import Group

# The World Values Survey marks how its sample was drawn: "India (Non-national sample)".
_SAMPLE = re.compile(r"\s*\([^()]*sample\)$")
_WITH_ARTICLE = frozenset({
    "Czech Republic",
    "Maldives",
    "Netherlands",
    "Palestinian Territory",
    "Palestinian territories",
    "Philippines",
    "Syrian Arab Republic",
    "United Arab Emirates",
    "United Kingdom",
    "United States",
})
# As published files shorten them.
_IN_FULL = {
    "Bosnia Herzegovina": "Bosnia and Herzegovina",
    "Czech Rep.": "Czech Republic",
    "Palest. ter.": "Palestinian territories",
    "S. Africa": "South Africa",
    "S. Korea": "South Korea",
}


def country_id(country: str) -> str:
    """Id of the group of people who live in a country: "country=Belgium"."""
    return f"country={country}"


def country_group(country: str) -> Group:
    """The people who live in a country: the id as the file spells it, the words in full."""
    return Group(id=country_id(country), text=f"live in {country_name(country)}")


def country_name(country: str) -> str:
    """A country as it stands within a sentence: "the Netherlands"."""
    name = _SAMPLE.sub("", country)
    name = _IN_FULL.get(name, name)
    return f"the {name}" if name in _WITH_ARTICLE else name
