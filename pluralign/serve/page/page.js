// Asks the gateway that serves this page. What comes from it enters the document as text, never as markup.

const MANY = 8;
const BROKEN = "The answer broke off before it was complete.";
const UNKNOWN = "Bounds: the model's server names its likeliest words only. What is hatched is unknown.";
const NO_PROFILE = { id: null, title: "No profile", note: "The model as it is" };
const GUARDS = {
  off: "Guard: profiles only; questions and answers are not looked at",
  rules: "Guard: profiles in full; questions and answers by rules",
  screen: "Guard: profiles, questions and answers",
};

const byId = (id) => document.getElementById(id);
const fields = {
  key: byId("key"),
  model: byId("model"),
  options: byId("options"),
  question: byId("question"),
  search: byId("search"),
};
const state = { profiles: [], cards: new Map(), running: null, listing: 0 };

/** An element; children that are strings become text. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function show(place, text) {
  place.textContent = text;
  place.hidden = !text;
}

// The gateway

/** What went wrong, in words for whoever asks. */
class Fault extends Error {
  constructor(message, { status = 0, code = "", category = null, reason = "" } = {}) {
    super(message);
    Object.assign(this, { status, code, category, reason });
  }
}

function request(path, { body, signal } = {}) {
  const key = fields.key.value.trim();
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body === undefined) return fetched(path, { headers, signal });
  headers["Content-Type"] = "application/json";
  return fetched(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function fetched(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    // A key with letters that no header can carry fails like a broken line.
    const sent = options.headers.Authorization ?? "";
    const unfit = [...sent].some((letter) => letter < " " || letter > "~");
    const broken = "The gateway cannot be reached. Is it running?";
    throw new Fault(unfit ? "The key holds characters that no key has." : broken);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw faultOf(told.error ?? {}, response);
}

function faultOf(error, response = null) {
  const status = response?.status ?? 0;
  const seconds = response?.headers.get("Retry-After");
  const when = seconds ? ` Try again in ${seconds} s.` : "";
  const message = error.message ?? `The gateway answered with status ${status}.`;
  const opening = {
    401: "The gateway wants a key: give it under “Key”.",
    413: "That is too long: shorten it.",
    429: "Too many requests.",
    501: "The model's server cannot do this.",
    503: "The model's server is not available now.",
  }[status];
  const hint = message.includes("Try again") ? "" : when;
  return new Fault([opening, message].filter(Boolean).join(" ") + hint, { ...error, status });
}

/** The events of a stream: what each is called, and its data. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // An upstream's lines may end in any of three ways; a lone \r at the end may yet get its \n.
      const blocks = (held + part.value).replace(/\r\n|\r(?!$)/g, "\n").split("\n\n");
      held = blocks.pop();
      for (const block of blocks) yield eventOf(block);
    }
    if (held.trim()) yield eventOf(held);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function eventOf(block) {
  const lines = block.split(/\r?\n/);
  const after = (name) => {
    const found = lines.filter((line) => line.startsWith(name));
    return found.map((line) => line.slice(name.length).trimStart());
  };
  return { name: after("event:")[0] ?? "message", data: after("data:").join("\n") };
}

// The profiles

async function list() {
  const number = ++state.listing;
  show(byId("profiles-fault"), "");
  try {
    const listed = await (await request("v1/profiles")).json();
    if (number === state.listing) showProfiles(listed);
  } catch (fault) {
    if (number === state.listing) missProfiles(fault);
    return;
  }
  try {
    const listed = await (await request("v1/models")).json();
    if (number === state.listing) showModels(listed.data.filter((model) => !model.pluralign));
  } catch (fault) {
    if (number !== state.listing) return;
    showModels([]);
    show(byId("profiles-fault"), `The models cannot be listed: name one. ${fault.message}`);
  }
}

function missProfiles(fault) {
  showProfiles({ data: [] });
  byId("count").textContent = "";
  show(byId("profiles-fault"), fault.message);
  if (fault.status === 401) byId("key-details").open = true;
}

function showProfiles({ data, guard, policy }) {
  const before = new Set(chosen().map((profile) => profile.id));
  state.profiles = data.toSorted((a, b) => b.served - a.served || a.title.localeCompare(b.title));
  state.cards = new Map(state.profiles.map((profile) => [profile.id, cardOf(profile)]));
  for (const { id, served } of state.profiles) boxOf(id).checked = served && before.has(id);
  byId("cards").replaceChildren(...state.cards.values());
  byId("finding").hidden = data.length <= MANY;
  byId("guard").textContent = guard ? `${GUARDS[guard]}. Policy ${policy.id} ${policy.version}.` : "";
  filter();
}

function cardOf(profile) {
  const box = make("input", { type: "checkbox", value: profile.id });
  box.disabled = !profile.served;
  const card = make("label", { class: "card", lang: profile.language }, box, make("b", {}, profile.title));
  card.append(make("span", {}, profile.summary));
  if (!profile.served) {
    const outcome = profile.outcome === "review" ? "Not served before a review" : "Refused";
    const said = [outcome, profile.category].filter(Boolean).join(", ");
    card.append(make("span", { class: "withheld", lang: "en" }, `${said}: ${profile.reason}`));
  } else if (profile.guarded) {
    card.append(make("span", { lang: "en" }, "Served, and the guard must clear each of its answers."));
  }
  return card;
}

const boxOf = (id) => state.cards.get(id).querySelector("input");
const chosen = () => state.profiles.filter((profile) => boxOf(profile.id).checked);

/** Hide the cards in which a word of the search does not stand; chosen ones stay in sight. */
function filter() {
  const words = fields.search.value.toLowerCase().split(/\s+/);
  for (const profile of state.profiles) {
    const text = `${profile.id} ${profile.title} ${profile.summary}`.toLowerCase();
    const found = words.every((word) => text.includes(word));
    state.cards.get(profile.id).hidden = !found && !boxOf(profile.id).checked;
  }
  count();
}

function count() {
  const n = state.profiles.length;
  const shown = [...state.cards.values()].filter((card) => !card.hidden).length;
  const titles = chosen().map((profile) => profile.title);
  const found = shown < n ? `${shown} of ${n} profiles` : `${n} ${n === 1 ? "profile" : "profiles"}`;
  byId("count").textContent = `${found}. Chosen: ${titles.join(", ") || "none"}.`;
  byId("none").hidden = !titles.length;
}

function chooseNone() {
  for (const { id } of chosen()) boxOf(id).checked = false;
  filter();
  byId("cards").querySelector(".card:not([hidden]) input:enabled")?.focus();
}

/** Enter ticks a card as Space does; the arrows, Home and End go from card to card. */
function walkCards(event) {
  const boxes = [...byId("cards").querySelectorAll(".card:not([hidden]) input:enabled")];
  const at = boxes.indexOf(event.target);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const [next, last] = [at + 1, boxes.length - 1];
  const to = { ArrowRight: next, ArrowDown: next, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last };
  if (event.key === "Enter") event.target.click();
  else if (event.key in to) boxes[to[event.key]]?.focus();
  else return;
  event.preventDefault();
}

function showModels(models) {
  byId("models").replaceChildren(...models.map(({ id }) => make("option", { value: id })));
  fields.model.value ||= models[0]?.id ?? "";
  byId("choosing-model").hidden = models.length === 1;
}

// Asking

async function ask() {
  const question = fields.question.value.trim();
  const options = fields.options.value.split("\n").map((line) => line.trim()).filter(Boolean);
  complain(null, "");
  if (!question) complain(fields.question, "Write a question first.");
  else if (options.length === 1) complain(fields.options, "One option is no choice: give two, or none.");
  else await askAll(question, options);
}

async function askAll(question, options) {
  stop();
  const running = new AbortController();
  state.running = running;
  byId("stop").disabled = false;
  const columns = [NO_PROFILE, ...chosen()].map((profile) => new Column(profile));
  byId("answers").replaceChildren(...columns.map((column) => column.root));
  byId("status").textContent = `Asking ${columns.length} times …`;
  byId("answers-title").scrollIntoView({ block: "nearest" });
  const asked = { question, options, signal: running.signal };
  await Promise.all(columns.map((column) => fill(column, asked)));
  // Who asks anew stops what runs: its end is none of this page's any more.
  if (state.running !== running) return;
  state.running = null;
  byId("stop").disabled = true;
  byId("status").textContent = summed(columns);
}

function complain(field, message) {
  for (const each of [fields.question, fields.options]) each.removeAttribute("aria-invalid");
  show(byId("fault"), message);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
}

function stop() {
  state.running?.abort();
}

function summed(columns) {
  const counted = ["answered", "refused", "failed", "stopped"].map((outcome) => {
    const n = columns.filter((column) => column.outcome === outcome).length;
    return n ? `${n} ${outcome}` : "";
  });
  return `${counted.filter(Boolean).join(", ")}.`;
}

async function fill(column, asked) {
  try {
    await (asked.options.length ? fillDistribution : fillText)(column, asked);
    column.end("answered");
  } catch (error) {
    column.end(column.fail(error));
  }
}

const bodyFor = (column, fieldsOf) => ({
  ...fieldsOf,
  ...(fields.model.value.trim() ? { model: fields.model.value.trim() } : {}),
  ...(column.profile.id === null ? {} : { profile: column.profile.id }),
});

/** Ask for a text, and show it as it is written. */
async function fillText(column, { question, signal }) {
  const body = bodyFor(column, { messages: [{ role: "user", content: question }], stream: true });
  const response = await request("v1/chat/completions", { body, signal });
  column.begin(response);
  let finish = null;
  for await (const { name, data } of eventsOf(response)) {
    if (data === "[DONE]") {
      if (!column.hasText) column.note("It said nothing.");
      else if (finish === "length") column.note("The model's server cut it at its limit.");
      return;
    }
    if (!data) continue;
    const piece = JSON.parse(data);
    if (name === "error" || piece.error) throw faultOf(piece.error ?? {});
    const choice = piece.choices?.[0] ?? {};
    finish = choice.finish_reason ?? finish;
    const { content, reasoning_content: reasoning = choice.delta?.reasoning } = choice.delta ?? {};
    if (content) column.write(content);
    else if (reasoning && !column.hasText) column.note("Thinking …");
  }
  throw new Fault(BROKEN);
}

/** Ask for the probabilities of options, and show them as bars. */
async function fillDistribution(column, { question, options, signal }) {
  const response = await request("v1/distribution", { body: bodyFor(column, { question, options }), signal });
  column.begin(response);
  column.draw(await response.json());
}

// Answers

/** One answer: who speaks, what is said, what the guard says of it. */
class Column {
  constructor(profile) {
    this.profile = profile;
    this.outcome = null;
    this.text = null;
    const { title, language = "en" } = profile;
    this.who = make("p", { class: "who" }, profile.note ?? make("code", {}, profile.id));
    this.said = make("div", { "aria-live": "polite", "aria-busy": "true" });
    this.verdict = make("p", { class: "verdict" });
    const heading = make("h3", { lang: language }, title);
    const parts = [heading, this.who, this.said, this.verdict];
    this.root = make("article", { class: "answer", "aria-label": title }, ...parts);
    this.note("Waiting …");
  }

  get hasText() {
    return this.text !== null;
  }

  /** Show who speaks, and the guard's verdict, as the headers tell. */
  begin({ headers }) {
    const id = headers.get("X-Pluralign-Profile");
    const version = headers.get("X-Pluralign-Profile-Version");
    if (id) this.who.replaceChildren(make("code", {}, id), " version ", make("code", {}, version));
    const verdict = headers.get("X-Pluralign-Verdict");
    if (verdict) this.rule(verdict, this.profile.id === null ? "the question" : "profile and question");
  }

  rule(verdict, what) {
    const kind = ["serve", "unsure", "refuse"].includes(verdict) ? verdict : "unsure";
    this.verdict.replaceChildren("Guard: ", make("span", { class: `badge ${kind}` }, verdict), ` (${what})`);
  }

  write(piece) {
    if (!this.hasText) {
      this.text = document.createTextNode("");
      this.said.replaceChildren(make("p", { class: "text" }, this.text));
    }
    this.text.appendData(piece);
  }

  note(message, kind = "note") {
    if (!this.hasText) this.said.replaceChildren();
    this.said.append(make("p", { class: kind }, message));
  }

  /** Say why there is no answer, or no more of it; returns what came of it. */
  fail(error) {
    if (error.name === "AbortError") {
      this.note("Stopped.");
      return "stopped";
    }
    if (!(error instanceof Fault)) {
      this.note(error instanceof SyntaxError ? "The answer cannot be read." : BROKEN, "fault");
      return "failed";
    }
    this.note(error.message, "fault");
    if (!error.reason) return "failed";
    this.rule("refuse", error.category ?? "without a category");
    return "refused";
  }

  draw({ options, exact, probabilities, lower_prob: lower, upper_prob: upper, valid_mass_prob: mass }) {
    const [from, to] = exact ? [probabilities, probabilities] : [lower, upper];
    if (!from || !to) {
      this.note("The model gives none of the options any probability.");
      return;
    }
    const bars = options.map((option, at) => barOf(option, from[at], to[at]));
    this.said.replaceChildren(make("ul", { class: "bars" }, ...bars));
    const given = `The model gave these options ${percent(mass)} of its probability.`;
    this.said.append(make("p", { class: "aside" }, exact ? given : UNKNOWN));
  }

  end(outcome) {
    this.outcome = outcome;
    this.said.setAttribute("aria-busy", "false");
  }
}

function barOf(option, from, to) {
  const number = from === to ? percent(from) : `${percent(from)} to ${percent(to)}`;
  const track = make("span", { class: "track", "aria-hidden": "true" });
  for (const [kind, width] of [["fill", from], ["fill unknown", to - from]]) {
    const part = make("span", { class: kind });
    part.style.width = `${100 * width}%`;
    track.append(part);
  }
  return make("li", {}, make("span", {}, option), make("span", { class: "number" }, number), track);
}

function percent(prob) {
  return prob > 0 && prob < 0.0005 ? "<0.1 %" : `${(100 * prob).toFixed(1)} %`;
}

// The page

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
byId("cards").addEventListener("change", count);
byId("cards").addEventListener("keydown", walkCards);
byId("none").addEventListener("click", chooseNone);
byId("stop").addEventListener("click", () => {
  stop();
  byId("ask").focus();
});
fields.search.addEventListener("input", filter);
fields.search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});
fields.key.addEventListener("change", list);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask();
  }
});
list();
