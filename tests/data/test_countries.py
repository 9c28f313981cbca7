import pytest

from pluralign.data.countries import country_group


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("Belgium", "live in Belgium"),
        ("United States", "live in the United States"),
        ("United Kingdom", "live in the United Kingdom"),
        ("India (Current national sample)", "live in India"),
        ("S. Africa (Non-national sample)", "live in South Africa"),
    ],
)
def test_a_country_in_words(country, text):
    group = country_group(country)
    assert (group.id, group.text) == (f"country={country}", text)
