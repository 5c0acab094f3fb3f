// The page: a text, a thread that thinks about it, and what it finds.

/** A pause in typing after which the text is looked at, in ms. */
const DEBOUNCE = 60;
const STORED = { text: "dcmc.playground.text", theme: "dcmc.playground.theme" };

/** What the browser keeps for this page, if it does. */
const store = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // It keeps nothing: so be it.
    }
  },
};

// ---- the text ----

let debounce = 0;
const editor = new Editor($("text"), document.querySelector(".backdrop"), document.querySelector(".gutter"), () => {
  clearTimeout(debounce);
  debounce = setTimeout(() => thinker.think(editor.text), DEBOUNCE);
  store.set(STORED.text, editor.text);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
});

function open(text) {
  editor.words = [];
  editor.marks = [];
  editor.text = text;
  store.set(STORED.text, text);
  thinker.think(text);
}

/** Places of the text that was thought about, in the text as it is now. */
const here = (spans) => moved(spans, thinker.text, editor.text);

/** Makes a repair, unless it is one of an older text. */
function repair({ edits }) {
  if (editor.text === thinker.text) editor.edit(edits);
}

let problems = [];
let announce = 0;

/** Goes to the next problem, or the one before. */
function toProblem(step) {
  const places = problems.flatMap((p) => p.labels.slice(0, 1)).sort((a, b) => a.start - b.start);
  if (places.length === 0) return;
  const here = $("text").selectionStart;
  const next = step > 0 ? places.find((p) => p.start > here) : places.findLast((p) => p.start < here);
  const place = next ?? places.at(step > 0 ? 0 : -1);
  editor.go(place.start, place.end);
  clearTimeout(announce);
  const problem = problems.find((p) => p.labels[0]?.start === place.start);
  $("summary").textContent = `Line ${place.line}: ${problem.code} ${problem.message}`;
}

async function formatText() {
  const before = editor.text;
  const { text } = await thinker.ask({ ask: "format", text: before });
  if (!text) say("The text has mistakes that leave its layout open.");
  else if (text !== before) editor.edit([{ start: 0, end: before.length, text }]);
}

async function share() {
  history.replaceState(null, "", await fragmentOf(editor.text));
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is in the clipboard.");
  } catch {
    const field = make("input", { type: "text", readOnly: true, value: location.href, "aria-label": "Link" });
    openDialog("A link to this text", [field]);
    field.select();
  }
}

function say(text) {
  $("summary").textContent = text;
}

function openDialog(title, body) {
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...body);
  $("dialog").showModal();
}

async function explain(code) {
  const { markdown: page } = await thinker.ask({ ask: "explain", code });
  if (page) openDialog(code, markdown(page.replace(/^# .*\n/, "")));
}

// ---- what is found ----

const show = {
  verdicts: [],

  check(reply) {
    const { words, queries, errors } = reply;
    if (performance.getEntriesByName("interactive").length === 0) performance.mark("interactive");
    editor.words = here(words.map(([start, end, colour]) => ({ start, end, colour })));
    this.problems(reply);
    const panel = $("panel-queries");
    this.verdicts = queries.map(() => undefined);
    this.count();
    if (queries.length === 0) {
      panel.replaceChildren(make("p", { className: "note" }, "The model asks nothing: add ", make("code", {}, "query q: P(Y | do(X))"), "."));
    } else if (errors) {
      panel.replaceChildren(make("p", { className: "note" }, "The queries wait until the errors are gone."));
    } else {
      // What was said stays until there is something new.
      while (panel.children.length > queries.length) panel.lastChild.remove();
      queries.forEach((query, at) => {
        if (panel.children[at]?.dataset.query === `${query.name} ${query.text}`) return;
        const place = make("div", {}, make("section", { className: "query" }, make("h2", {}, query.name), make("p", {}, make("code", {}, query.text)), make("p", { className: "why" }, "…")));
        place.dataset.query = `${query.name} ${query.text}`;
        if (panel.children[at]) panel.children[at].replaceWith(place);
        else panel.append(place);
      });
    }
    if (!reply.data || errors) {
      const why = errors ? "Rows are drawn once the errors are gone." : "No data sets: the observational distribution is taken as known.";
      $("panel-data").replaceChildren(make("p", { className: "note" }, why));
    }
  },

  conclude(reply) {
    this.problems(reply);
    const { svg, empty, message } = reply.graph;
    $("download").hidden = !svg || empty;
    if (svg && !empty) {
      if (this.svg !== svg) {
        $("graph").innerHTML = svg;
        // The page has these styles; here they would come behind, and win over, those of the queries' figures.
        $("graph").querySelector("style")?.remove();
      }
      this.svg = svg;
      applyTheme();
    } else {
      this.svg = null;
      $("graph").replaceChildren(make("p", {}, message ?? "No variables yet: write A -> B."));
    }
    const none = make("p", { className: "note" }, "There is no plan: see the problems.");
    $("panel-plan").replaceChildren(...(reply.plan ? planCards(reply.plan) : [none]));
  },

  query(reply, at) {
    const place = $("panel-queries").children[at];
    if (!place || reply.error) return;
    if (place.dataset.html !== reply.html) {
      place.innerHTML = reply.html;
      place.dataset.html = reply.html;
    }
    this.verdicts[at] = reply.verdict;
    this.count();
  },

  rows(reply) {
    $("panel-data").replaceChildren(...dataTables(reply.sets));
  },

  problems({ problems: found }) {
    problems = found;
    // What is missing has no letters of its own: the one before it is marked.
    const mark = (severity, { start, end }) => ({ severity, start: start === end ? Math.max(0, start - 1) : start, end: Math.max(end, 1) });
    editor.marks = here(found.flatMap(({ severity, labels }) => labels.slice(0, 1).map((label) => mark(severity, label))));
    editor.paint();
    const text = countText(found);
    $("text").setAttribute("aria-invalid", found.some((p) => p.severity === "error"));
    const list = $("problems");
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...found.map((p) => problemItem(p, { go: (l) => editor.go(l.start, l.end), repair, explain })));
    if (focused) $("text").focus();
    // A screen reader hears of it once, when typing rests.
    clearTimeout(announce);
    announce = setTimeout(() => {
      if ($("summary").textContent !== text) say(text);
    }, 250);
  },

  /** How many of the queries have one answer. */
  count() {
    const known = this.verdicts.filter((v) => v !== undefined);
    const yes = known.filter((v) => v === true).length;
    const text = this.verdicts.length === 0 ? "" : known.length === 0 ? ` (${this.verdicts.length})` : ` (${yes} of ${this.verdicts.length} identifiable)`;
    $("tab-queries").textContent = `Queries${text}`;
  },
};

// ---- tabs, colours, keys ----

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(tab, focus = true) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
}

function onTabKey(event) {
  const at = tabs.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(tabs.at(to % tabs.length));
}

/** Graphs and answers bring styles that ask the system for its colours: they are told the chosen ones. */
function applyTheme() {
  const theme = $("theme").value;
  document.documentElement.style.colorScheme = theme || "light dark";
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (!(rule instanceof CSSMediaRule)) continue;
      rule.asked ??= rule.media.mediaText;
      if (!rule.asked.includes("prefers-color-scheme")) continue;
      rule.media.mediaText = { "": rule.asked, dark: "all", light: "not all" }[theme];
    }
  }
}

function save() {
  const url = URL.createObjectURL(new Blob([show.svg], { type: "image/svg+xml" }));
  make("a", { href: url, download: "graph.svg" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function listen() {
  tabs.forEach((tab) => tab.addEventListener("click", () => choose(tab)));
  tabs.forEach((tab) => tab.addEventListener("keydown", onTabKey));
  $("theme").addEventListener("change", () => {
    store.set(STORED.theme, $("theme").value);
    applyTheme();
  });
  $("down").addEventListener("change", () => thinker.think(editor.text));
  $("format").addEventListener("click", formatText);
  $("share").addEventListener("click", share);
  $("stop").addEventListener("click", () => thinker.stop());
  $("download").addEventListener("click", save);
  addEventListener("keydown", (event) => {
    if (event.key === "F8") {
      event.preventDefault();
      toProblem(event.shiftKey ? -1 : 1);
    } else if (event.code === "KeyF" && event.shiftKey && event.altKey) {
      event.preventDefault();
      formatText();
    }
  });
  addEventListener("hashchange", async () => {
    const text = await textOf(location.hash);
    if (text !== null) open(text);
  });
}

async function main() {
  $("theme").value = store.get(STORED.theme) ?? "";
  applyTheme();
  listen();
  const early = (await textOf(location.hash)) ?? store.get(STORED.text);
  if (early) editor.text = early;
  await thinker.load();
  const { examples } = await thinker.ask({ ask: "examples" });
  for (const group of [...new Set(examples.map((e) => e.group))]) {
    const options = examples.filter((e) => e.group === group).map(({ name, title }) => make("option", { value: name }, title));
    $("examples").append(make("optgroup", { label: group }, ...options));
  }
  $("examples").addEventListener("change", () => {
    const example = examples.find((e) => e.name === $("examples").value);
    if (example) open(example.text);
    $("examples").value = "";
  });
  open(early ? editor.text : examples[0].text);
}

main().catch((error) => {
  console.error(error);
  say(`This browser cannot run the page: ${error.message}`);
});
