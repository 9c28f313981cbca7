"""The routes that list what there is, and the page."""

import pytest

from pluralign import __version__
from pluralign.errors import ConfigurationError
from pluralign.serve import app, make_gateway, read_settings


def test_health(gateway):
    answer = gateway.client.get("/healthz")
    assert answer.json() == {"status": "ok", "version": __version__, "profiles": 3}


def test_profiles_are_listed_with_what_the_page_shows(gateway):
    found = gateway.client.get("/v1/profiles").json()
    policy = gateway.gateway.guard.policy
    assert found["policy"] == {"id": policy.id, "version": policy.version, "digest": policy.digest}
    assert found["guard"] == "rules"
    by_id = {each["id"]: each for each in found["data"]}
    stoic = by_id["stoicism"]
    assert stoic.keys() >= {
        "version",
        "title",
        "summary",
        "language",
        "values",
        "served",
        "guarded",
        "outcome",
    }
    assert (stoic["served"], stoic["guarded"], stoic["outcome"]) == (True, False, "served")
    assert by_id["cruel"]["reason"]


def test_figures(gateway):
    gateway.ask(profile="stoicism")
    text = gateway.client.get("/metrics").text
    assert 'pluralign_profile_requests_total{profile="stoicism"}' in text
    assert 'pluralign_guard_rulings_total{place="answer",ruling="serve"}' in text
    assert "pluralign_profiles 3.0" in text
    assert "pluralign_requests_active 0.0" in text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1/chat/completions", 404, "not_found"),
        ("DELETE", "/v1/profiles", 405, "method_not_allowed"),
    ],
)
def test_other_routes_are_errors_in_one_shape(gateway, method, path, status, code):
    answer = gateway.client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "POST /v1/chat/completions" in answer.json()["error"]["message"]


def test_the_page_is_served_with_its_files_and_nothing_else(gateways, tmp_path, monkeypatch):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<p>hello</p>")
    (tmp_path / "page" / "page.css").write_text("p {}")
    (tmp_path / "page" / "notes.txt").write_text("private")
    (tmp_path / "secret.js").write_text("private")
    monkeypatch.setattr(app, "PAGE", tmp_path / "page")
    gateway = gateways(ui=True)
    answer = gateway.client.get("/")
    assert answer.text == "<p>hello</p>"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert gateway.client.get("/page.css").headers["content-type"].startswith("text/css")
    for path in ("/notes.txt", "/..%2Fsecret.js", "/%2e%2e/secret.js", "/nothing.js"):
        assert gateway.client.get(path).status_code == 404
    assert gateway.client.get("/v1/profiles").status_code == 200


def test_what_does_not_fit_is_said_before_anything_is_served(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "PAGE", tmp_path)
    with pytest.raises(ConfigurationError, match=r"the page is not there: .*index.html"):
        make_gateway(read_settings(upstream="http://x", ui=True))
    with pytest.raises(ConfigurationError, match="--audit FILE"):
        make_gateway(read_settings(upstream="http://x", audit_text=True))
