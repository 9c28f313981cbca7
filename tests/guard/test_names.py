import pytest

import pluralign
from pluralign import guard


def test_every_name_is_there_and_no_module_hides_it():
    assert sorted(guard._EXPORTS) == sorted(guard.__all__) == dir(guard)
    for name in guard.__all__:
        assert callable(getattr(guard, name))
    assert pluralign.Guard is guard.Guard


def test_an_unknown_name_is_told():
    with pytest.raises(AttributeError, match=r"module 'pluralign.guard' has no attribute 'Gard'"):
        guard.Gard  # noqa: B018
