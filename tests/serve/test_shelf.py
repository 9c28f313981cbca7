"""The shelf, and its reload under way: requests keep the one that they began with."""

import asyncio
import threading

import pytest

from pluralign.errors import ConfigurationError
from pluralign.guard.library import profile_hash
from pluralign.profiles import load_profile
from pluralign.serve.refusals import GatewayError
from pluralign.serve.shelf import draw, fill_shelf, signature_of


@pytest.fixture
def shelf(folder, guard):
    return fill_shelf([str(folder)], guard, style="first_person", nonce="n")


def test_it_holds_what_lies_in_the_folder(shelf):
    assert sorted(shelf.shelved) == ["cruel", "ethics-of-care", "stoicism", "utilitarianism"]
    assert shelf.n_served == 3
    stoic = shelf.shelved["stoicism"]
    assert stoic.version == profile_hash(load_profile("stoicism"))[:12]
    assert stoic.prompt == stoic.approved.system_prompt(style="first_person", nonce="n")
    listing = shelf.shelved["cruel"].listing
    assert (listing["served"], listing["outcome"]) == (False, "refused")
    assert listing["category"]
    assert listing["reason"]


def test_an_id_that_stands_twice_and_a_missing_folder_are_named(folder, guard, tmp_path):
    (folder / "again.yml").write_bytes((folder / "stoicism.yaml").read_bytes())
    with pytest.raises(ConfigurationError, match=r"stoicism.yaml: id: 'stoicism' stands in .*again.yml too"):
        fill_shelf([str(folder)], guard, style="first_person", nonce="n")
    with pytest.raises(ConfigurationError, match=r"is no folder.*'shipped' for the shipped ones"):
        signature_of([str(tmp_path / "nowhere")])


def test_a_mixture_is_admitted_once_and_drawn_alike_by_one_seed(shelf):
    weights = {"stoicism": 1.0, "utilitarianism": 1.0}

    async def both():
        first = await shelf.speaker(weights, param="profile")
        assert await shelf.speaker(weights, param="profile") is first
        drawn = [
            await draw(shelf, weights, holder=None, param="profile", seed=seed, asked="a")
            for seed in range(40)
        ]
        again = await draw(shelf, weights, holder=None, param="profile", seed=3, asked="a")
        assert again.shelved is drawn[3].shelved
        assert {each.shelved.profile.id for each in drawn} == weights.keys()
        unseeded = await draw(shelf, weights, holder=None, param="profile", seed=None, asked="a")
        assert unseeded.seed is not None
        with pytest.raises(GatewayError) as caught:
            await draw(
                shelf, {"stoicism": 1.0, "cruel": 1.0}, holder=None, param="profile", seed=1, asked="a"
            )
        assert caught.value.status == 403

    asyncio.run(both())


def listed(gateway) -> list[str]:
    return [each["id"] for each in gateway.client.get("/v1/profiles").json()["data"]]


def test_a_change_of_the_folder_shows_and_a_fault_leaves_the_shelf(gateways, folder, tools, caplog):
    gateway = gateways()
    (folder / "cruel.yaml").unlink()
    tools.wait_for(lambda: "cruel" not in listed(gateway))
    text = (folder / "stoicism.yaml").read_text()
    (folder / "stoicism.yaml").write_text(text[: len(text) // 2])
    tools.wait_for(
        lambda: 'pluralign_reloads_total{result="failed"} 1.0' in gateway.client.get("/metrics").text
    )
    assert gateway.ask(profile="stoicism").status_code == 200
    assert "served as they were before" in caplog.text
    # Changed by a word, it is no longer the one that was reviewed: the guard judges it anew, and is unsure.
    (folder / "stoicism.yaml").write_text(text.replace("title: ", "title: New "))
    tools.wait_for(lambda: gateway.ask(profile="stoicism").status_code == 403)
    (folder / "stoicism.yaml").write_text(text)
    tools.wait_for(lambda: gateway.ask(profile="stoicism").status_code == 200)


def test_a_request_keeps_the_shelf_that_it_began_with(gateways, folder, upstream, tools):
    """Profiles come and go while requests are under way; none is lost, and each is told the version that spoke."""
    let_go = threading.Event()

    async def waits(call):
        while not let_go.is_set():
            await asyncio.sleep(0.01)
        await tools.usual(call)

    gateway = gateways()
    before = gateway.gateway.keeper.shelf.shelved["stoicism"]
    upstream.server.script = waits
    answers = []
    first = threading.Thread(target=lambda: answers.append(gateway.ask(profile="stoicism")))
    first.start()
    tools.wait_for(lambda: upstream.server.calls)
    (folder / "stoicism.yaml").unlink()
    tools.wait_for(lambda: "stoicism" not in gateway.gateway.keeper.shelf.shelved)
    let_go.set()
    first.join()
    assert answers[0].status_code == 200
    assert answers[0].headers["x-pluralign-profile-version"] == before.version
    assert upstream.server.calls[0].json["messages"][0]["content"] == before.prompt
    assert gateway.ask(profile="stoicism").status_code == 404
