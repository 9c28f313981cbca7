"""The page, as a person meets it: a browser before `pluralign serve --ui`, in front of a server that answers by script."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from itertools import pairwise
from types import SimpleNamespace

import httpx
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested with playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to show the page"),
]

SECONDS = 60.0
HARMFUL = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> & so on."
MARKUP = "<img src=x onerror='window.hacked = 1'>"

# Ratio of each text's colour to what lies behind it, by WCAG 2.2, for texts that stand on the page.
CONTRASTS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (rgb(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.body.querySelectorAll("*")].filter((element) =>
    element.checkVisibility() &&
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
  return texts.map((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 40)];
  });
}"""
OVERFLOWS = """() => [...document.body.querySelectorAll("*")]
  .filter((element) => !element.matches(".skip") && element.checkVisibility())
  .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((element) => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def program(stage, usual_gateway, tmp_path_factory):
    """Address of `pluralign serve --ui`, as a process of its own."""
    place = tmp_path_factory.mktemp("page")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [sys.executable, "-m", "pluralign", "serve", "--ui", "--upstream", stage.url]
    command += ["--profiles", *usual_gateway.gateway.settings.profiles, "--port", str(port)]
    log = place / "stderr.txt"
    with log.open("w") as said:
        process = subprocess.Popen(command, stderr=said, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            assert process.poll() is None, log.read_text()
            try:
                if httpx.get(f"{url}/healthz", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                threading.Event().wait(0.1)
        assert f"page: {url}/" in log.read_text()
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Visit:
    """The page in a browser's window of its own; keeps what the browser complains of."""

    def __init__(self, browser, url, **options) -> None:
        self.context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type == "error" else None
        )
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.url = url

    def open(self, *, expected: str = "profiles. Chosen: none."):
        self.page.goto(self.url)
        self.until("#count", expected)
        return self

    def until(self, where, text) -> None:
        sync_api.expect(self.page.locator(where).first).to_contain_text(text, timeout=SECONDS * 1000)

    def ask(self, *profiles, question="Should I tell my friend the truth?", options=()):
        for name in profiles:
            self.page.get_by_role("checkbox", name=name).check()
        self.page.get_by_label("Your question").fill(question)
        self.page.get_by_label("Options, one a line").fill("\n".join(options))
        self.page.get_by_role("button", name="Ask").click()
        return self

    def answered(self, text) -> list[SimpleNamespace]:
        """The columns, once the page says how they ended."""
        self.until("#status", text)
        return [
            SimpleNamespace(
                title=column.locator("h3").inner_text(),
                who=column.locator(".who").inner_text(),
                said=column.locator("[aria-live=polite]").inner_text(),
                verdict=column.locator(".verdict").inner_text(),
                badge=column.locator(".badge").get_attribute("class")
                if column.locator(".badge").count()
                else None,
                box=column.bounding_box(),
                locator=column,
            )
            for column in self.page.locator(".answer").all()
        ]


@pytest.fixture
def visit(browser):
    """Opens the page at an address."""
    visits = []

    def start(url, **options) -> Visit:
        visits.append(Visit(browser, url, **options))
        return visits[-1]

    yield start
    for each in visits:
        each.context.close()


def says(tools, *texts):
    """A script by which the upstream streams these texts."""

    async def script(call):
        await call.stream([*(tools.chunk(text) for text in texts), tools.chunk(finish="stop")])

    return script


def test_two_profiles_and_none_answer_side_by_side(visit, program, upstream, tools):
    seen = visit(program).open().ask("Stoicism", "Utilitarianism")
    columns = seen.answered("3 answered.")
    assert [column.title for column in columns] == ["No profile", "Stoicism", "Utilitarianism"]
    assert [column.said.strip() for column in columns] == [tools.ANSWER] * 3
    listed = httpx.get(f"{program}/v1/profiles", trust_env=False).json()["data"]
    versions = {each["id"]: each["version"] for each in listed}
    assert columns[1].who == f"stoicism version {versions['stoicism']}"
    assert columns[2].who == f"utilitarianism version {versions['utilitarianism']}"
    assert [column.verdict for column in columns] == [
        "Guard: serve (the question)", "Guard: serve (profile and question)", "Guard: serve (profile and question)"
    ]  # fmt: skip
    boxes = [column.box for column in columns]
    assert len({box["y"] for box in boxes}) == 1
    assert all(a["x"] + a["width"] < b["x"] for a, b in pairwise(boxes))
    asked = [call.json for call in upstream.server.calls]
    assert all(body["stream"] and body["model"] == "llama" for body in asked)
    assert sorted(len(body["messages"]) for body in asked) == [1, 2, 2]
    assert seen.complaints == []


def test_an_answer_is_shown_as_it_is_written_and_escape_stops_it(visit, program, upstream, tools):
    async def begins(call):
        await call.start(content_type="text/event-stream")
        await call.piece(tools.event(tools.chunk("The first sentence. ")))
        await call.piece(tools.event(tools.chunk("And the second")))
        await asyncio.sleep(300)

    upstream.server.script = begins
    seen = visit(program).open().ask("Stoicism")
    for column in seen.page.locator(".answer").all():
        sync_api.expect(column).to_contain_text("The first sentence.", timeout=SECONDS * 1000)
        assert column.locator("[aria-live=polite]").get_attribute("aria-busy") == "true"
    seen.page.keyboard.press("Escape")
    columns = seen.answered("2 stopped.")
    assert [" ".join(column.said.split()) for column in columns] == ["The first sentence. Stopped."] * 2
    assert seen.page.locator("[aria-busy=true]").count() == 0
    assert seen.page.get_by_role("button", name="Stop").is_disabled()
    tools.wait_for(lambda: upstream.server.n_cancelled == 2)


def test_a_refused_profile_says_why_and_cannot_be_chosen(visit, program, upstream):
    seen = visit(program).open()
    (listed,) = [
        each
        for each in httpx.get(f"{program}/v1/profiles", trust_env=False).json()["data"]
        if not each["served"]
    ]
    card = seen.page.locator(".card").last
    assert card.locator("input").is_disabled()
    assert f"Refused, {listed['category']}: {listed['reason']}" in card.inner_text()


def test_a_profile_that_is_refused_once_the_page_is_open(visit, gateways, folder, upstream, tools):
    gateway = gateways(ui=True)
    seen = visit(gateway.url).open()
    (folder / "stoicism.yaml").write_text(tools.profile_yaml("stoicism", tools.REFUSED_SENTENCE))

    def listed():
        return {each["id"]: each for each in gateway.client.get("/v1/profiles").json()["data"]}["stoicism"]

    tools.wait_for(lambda: not listed()["served"])
    plain, stoic = seen.ask("Stoicism").answered("1 answered, 1 refused.")
    assert plain.said.strip() == tools.ANSWER
    assert listed()["reason"] in stoic.said
    assert stoic.verdict == f"Guard: refuse ({listed()['category']})"
    assert stoic.badge == "badge refuse"


def test_a_refused_answer_is_not_shown(visit, program, upstream, tools):
    upstream.server.script = says(tools, "A fair start. ", tools.REFUSED_SENTENCE)
    (plain,) = visit(program).open().ask().answered("1 refused.")
    assert "A fair start." in plain.said
    assert "genocide" not in plain.said
    assert "The answer is not shown further" in plain.said
    assert plain.badge == "badge refuse"


def widths(column) -> list[list[float]]:
    """Of each bar its parts, as shares of the whole."""
    script = """(bars) => bars.map((bar) => {
      const whole = bar.getBoundingClientRect().width;
      return [...bar.children].map((part) => part.getBoundingClientRect().width / whole);
    })"""
    return column.locator.locator(".track").evaluate_all(script)


@pytest.mark.parametrize("dialect", ["VLLM", "HOSTED"])
def test_bars_are_as_wide_as_the_numbers_say(visit, gateways, toy_servers, dialect):
    server = toy_servers.Server(getattr(toy_servers, dialect), toy_servers.ToyBrain())
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found = {}

    def keep(response):
        if response.url.endswith("/v1/distribution"):
            found[response.request.post_data_json.get("profile")] = response.json()

    try:
        seen = visit(gateways(upstream=server.url, ui=True).url)
        seen.page.on("requestfinished", lambda request: keep(request.response()))
        seen.open().ask("Stoicism", question="Is it right?", options=["Yes", MARKUP])
        columns = seen.answered("2 answered.")
    finally:
        server.shutdown()
        server.server_close()
    assert found.keys() == {None, "stoicism"}
    for column, answer in zip(columns, (found[None], found["stoicism"]), strict=True):
        assert answer["exact"] is (dialect == "VLLM")
        low = answer["probabilities"] or answer["lower_prob"]
        high = answer["probabilities"] or answer["upper_prob"]
        for (known, unknown), a, b in zip(widths(column), low, high, strict=True):
            assert known == pytest.approx(a, abs=0.004)
            assert unknown == pytest.approx(b - a, abs=0.004)
        assert MARKUP in column.said
        assert ("of its probability" if answer["exact"] else "What is hatched is unknown") in column.said
        for a, b in zip(low, high, strict=True):
            assert (f"{100 * a:.1f} %" if a >= 0.0005 or a == 0 else "<0.1 %") in column.said
            assert (f"{100 * b:.1f} %" if b >= 0.0005 or b == 0 else "<0.1 %") in column.said
    assert seen.complaints == []


def test_an_upstream_without_log_probabilities_is_said(visit, program, upstream):
    (plain,) = visit(program).open().ask(options=["Yes", "No"]).answered("1 failed.")
    assert "The model's server cannot do this." in plain.said


def test_with_the_keyboard_alone(visit, program, upstream):
    seen = visit(program).open()
    keyboard, focused = seen.page.keyboard, seen.page.locator(":focus")
    outlined = "e => getComputedStyle(e.matches('.card input') ? e.parentElement : e).outlineStyle"
    stops = []

    def tab_to(name):
        for _ in range(15):
            keyboard.press("Tab")
            stops.append(focused.evaluate("e => e.id || e.value || e.className || e.tagName"))
            assert focused.evaluate(outlined) == "solid", stops
            if stops[-1] == name:
                return
        raise AssertionError(f"{name} is not among {stops}")

    tab_to("skip")
    tab_to("ethics-of-care")
    keyboard.press("Space")
    keyboard.press("ArrowDown")
    assert focused.get_attribute("value") == "stoicism"
    keyboard.press("Enter")
    seen.until("#count", "Chosen: Ethics of care, Stoicism.")
    tab_to("question")
    keyboard.type("Is a promise to be kept?")
    for name in ("options", "model", "SUMMARY", "ask"):
        tab_to(name)
    keyboard.press("Enter")
    columns = seen.answered("3 answered.")
    assert [column.title for column in columns] == ["No profile", "Ethics of care", "Stoicism"]
    seen.page.get_by_label("Your question").focus()
    keyboard.type(" Always?")
    keyboard.press("Control+Enter")
    seen.answered("3 answered.")
    asked = [call.json["messages"][-1]["content"] for call in upstream.server.calls]
    assert "Always?" in asked[-1]
    assert seen.page.url == f"{program}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_screens_and_zoom_and_can_be_read(visit, program, upstream, tools, scheme):
    upstream.server.script = says(tools, "A word: ", "unbroken" * 60, ". ", tools.REFUSED_SENTENCE)
    seen = visit(program, color_scheme=scheme).open().ask("Stoicism", question="why" * 100)
    seen.answered("2 refused.")
    seen.page.locator("#key-details summary").click()
    assert seen.page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches") is (
        scheme == "dark"
    )
    found = seen.page.evaluate(CONTRASTS)
    assert len(found) > 20
    assert [each for each in found if each[0] < 4.5] == []
    for width in (360, 600, 1200):  # 600 is 1200 at 200 %
        seen.page.set_viewport_size({"width": width, "height": 740})
        assert seen.page.evaluate(OVERFLOWS) == [], width
        assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= width
    seen.page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert seen.page.evaluate(OVERFLOWS) == []


def test_markup_stays_text(visit, gateways, folder, upstream, tools):
    yaml = tools.profile_yaml("marked", "Be kind.").replace("title: A profile", f'title: "{MARKUP}"')
    (folder / "marked.yaml").write_text(yaml)
    upstream.server.script = says(tools, *(HARMFUL[at : at + 5] for at in range(0, len(HARMFUL), 5)))
    seen = visit(gateways(ui=True).url).open()
    assert MARKUP in seen.page.locator(".card b").all_inner_texts()
    columns = seen.ask("Stoicism", question=HARMFUL).answered("2 answered.")
    assert [column.said.strip() for column in columns] == [HARMFUL] * 2
    assert seen.page.locator("main script, main img").count() == 0
    assert seen.page.evaluate("() => window.hacked") is None
    assert seen.complaints == []


@pytest.mark.parametrize(
    ("status", "headers", "message", "shown"),
    [
        (503, {"retry_after": "7"}, "busy", "not available now. busy Try again in 7 s."),
        (429, {"retry_after": "9"}, "slow down", "Too many requests. slow down Try again in 9 s."),
        (400, {}, "This model's maximum context length is 10 tokens.", "That is too long: shorten it."),
        (401, {}, "wrong key sk-1", "The upstream refuses the gateway's key"),
    ],
)
def test_errors_are_said_in_words(visit, program, upstream, status, headers, message, shown):
    async def fails(call):
        await call.send({"error": {"message": message, "code": "x"}}, status=status, **headers)

    upstream.server.script = fails
    (plain,) = visit(program).open().ask().answered("1 failed.")
    assert shown in plain.said


def test_a_stream_that_breaks_off_and_a_gateway_that_is_gone(visit, program, upstream, tools):
    async def breaks(call):
        await call.start(content_type="text/event-stream")
        await call.piece(tools.event(tools.chunk("A sentence. And")))
        await call.piece(b"", more=False)

    upstream.server.script = breaks
    seen = visit(program).open().ask()
    (plain,) = seen.answered("1 failed.")
    assert "ended before it was complete" in plain.said
    seen.context.set_offline(True)
    seen.ask()
    seen.until(".answer", "The gateway cannot be reached.")


def test_what_cannot_be_asked_is_said_at_the_field(visit, program, upstream):
    seen = visit(program).open().ask(question="  ")
    seen.until("#fault", "Write a question first.")
    assert seen.page.locator(":focus").get_attribute("id") == "question"
    seen.ask(options=["Yes"])
    seen.until("#fault", "One option is no choice: give two, or none.")
    assert seen.page.locator(":focus").get_attribute("id") == "options"
    assert upstream.server.calls == []


def test_a_key_opens_it_and_is_kept_in_memory_alone(visit, gateways, keys_file, upstream, tools):
    seen = visit(gateways(ui=True, keys=keys_file).url)
    seen.page.goto(seen.url)
    seen.until("#profiles-fault", "The gateway wants a key")
    seen.page.get_by_label("Bearer key").fill(tools.OTHER_KEY)
    seen.page.keyboard.press("Tab")
    seen.until("#count", "1 profile. Chosen: none.")
    seen.ask("Stoicism").answered("2 answered.")
    seen.page.get_by_role("button", name="Ask").click()
    assert "Too many requests." in seen.answered("2 failed.")[0].said
    kept = (
        "() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.href]"
    )
    assert tools.OTHER_KEY not in str(seen.page.evaluate(kept))
    seen.page.reload()
    seen.until("#profiles-fault", "The gateway wants a key")
    assert seen.page.get_by_label("Bearer key").input_value() == ""


def test_many_profiles_can_be_searched(visit, program):
    words = {"outcome": "served", "served": True, "guarded": False, "language": "en", "summary": "Of a test."}
    rows = [
        words | {"id": f"p-{n}", "title": f"Profile {n}", "category": None, "reason": None} for n in range(30)
    ]
    listing = {"data": rows, "guard": "rules", "policy": {"id": "p", "version": "1", "digest": "0"}}
    seen = visit(program)
    seen.page.route("**/v1/profiles", lambda route: route.fulfill(json=listing))
    seen.open(expected="30 profiles. Chosen: none.")
    seen.page.get_by_role("checkbox", name="Profile 17 ").check()
    seen.page.get_by_label("Search").fill("profile 2")
    seen.until("#count", "13 of 30 profiles. Chosen: Profile 17.")  # 2, 12, 20 to 29, and the chosen one
    assert seen.page.locator(".card:visible").count() == 13
    seen.page.get_by_role("button", name="Choose none").click()
    seen.until("#count", "12 of 30 profiles. Chosen: none.")
    assert seen.page.locator(":focus").get_attribute("value") == "p-12"
