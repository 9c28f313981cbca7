"""Names of models."""

import subprocess
import sys

import pytest

from pluralign import models
from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import ModelSpec, ScriptedModel, TransformersModel, list_models, load_model


def test_importing_models_imports_no_backend():
    script = (
        "import sys, pluralign.models, pluralign.models.transformers_model, pluralign.models.embedded\n"
        "assert not {'torch', 'transformers', 'tokenizers', 'peft'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr


def test_names_lead_to_backends(tiny_folder):
    assert isinstance(load_model("scripted:uniform"), ScriptedModel)
    found = load_model(str(tiny_folder), dtype="bfloat16", default_system="drop", device="cpu")
    assert isinstance(found, TransformersModel)
    assert found.fingerprint()["dtype"] == "bfloat16"
    assert found.fingerprint()["default_system"].startswith("drop: ")
    assert load_model(ModelSpec(str(tiny_folder), device="cpu")).id.startswith("path:tiny@")


def test_unknown_names_and_settings(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no model 'embeded': .* Did you mean 'embedded'"):
        load_model("embeded")
    with pytest.raises(ConfigurationError, match=r"no model 'embedded:x'"):
        load_model("embedded:x")
    with pytest.raises(ConfigurationError, match=r"no setting 'dtyp'. Did you mean 'dtype'"):
        load_model("embedded", dtyp="float32")
    with pytest.raises(ModelError, match=r"There is no model folder"):
        load_model(str(tmp_path / "gone"))
    with pytest.raises(ModelError, match=r"'org/name' is neither on this machine"):
        load_model("org/name")


def test_listing():
    listed = {model.name: model for model in list_models()}

    assert listed["scripted:uniform"].present
    assert listed["org/name"].present is None
    assert isinstance(listed["embedded"].present, bool)


def test_every_exported_name_is_there():
    for name in models.__all__:
        assert getattr(models, name) is not None
    assert set(dir(models)) == set(models.__all__)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'"):
        _ = models.nothing
