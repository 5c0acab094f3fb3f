// The page: a text, a thread that thinks about it, and what it finds.

const $ = (id) => document.getElementById(id);
/** A pause in typing after which the text is looked at, and what a newer text waits for an older one, in ms. */
const [DEBOUNCE, PATIENCE] = [60, 600];
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

// ---- the thread that thinks ----

const thinker = {
  module: null,
  worker: null,
  job: 0,
  waiting: new Map(),
  /** Whether the newest text was looked at, and whether all was said of it. */
  checked: true,
  done: true,
  timer: 0,

  start() {
    this.worker?.terminate();
    for (const { reject } of this.waiting.values()) reject(new Error("stopped"));
    this.waiting.clear();
    this.worker = new Worker(this.source);
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.postMessage({ module: this.module });
  },

  async load() {
    this.source = URL.createObjectURL(new Blob([$("worker").textContent], { type: "text/javascript" }));
    const bytes = await through(ofBase64($("wasm").textContent.trim()), new DecompressionStream("gzip"));
    $("wasm").remove();
    this.module = await WebAssembly.compile(bytes);
    this.start();
  },

  /** Thinks about a text instead of the one before. */
  think(text) {
    if (!this.module) return;
    clearTimeout(this.timer);
    const busy = !this.done;
    Object.assign(this, { job: this.job + 1, checked: false, done: false });
    const ask = () => this.worker.postMessage({ job: this.job, text, down: $("down").checked });
    ask();
    // An older text that takes long is given up.
    if (busy) {
      this.timer = setTimeout(() => {
        if (this.checked) return;
        this.start();
        ask();
      }, PATIENCE);
    }
    showBusy();
  },

  /** The reply to a request beside the text. */
  ask(request) {
    const id = `${Date.now()}-${Math.random()}`;
    this.worker.postMessage({ id, request });
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  },

  /** Gives up what it thinks about. */
  stop() {
    this.start();
    this.done = true;
    show.stopped("Stopped. Change the text to go on.");
  },

  hear({ kind, job, id, at, reply, message }) {
    if (kind === "answer") {
      this.waiting.get(id)?.resolve(reply);
      this.waiting.delete(id);
    } else if (kind === "crash") {
      console.error(message);
      this.start();
      this.done = true;
      const deep = /call stack|recursion/i.test(message);
      show.stopped(deep ? "The text is nested too deep for this page." : "A bug in dcmc stopped it on this text.");
    } else if (job === this.job) {
      if (kind === "check") this.checked = true;
      if (kind === "done") this.done = true;
      show[kind]?.(reply, at);
    }
    showBusy();
  },
};

let busyTimer = 0;
/** Says that it thinks, once that takes a while. */
function showBusy() {
  clearTimeout(busyTimer);
  const shown = (busy) => {
    $("busy").textContent = busy ? "thinking…" : "";
    $("stop").hidden = !busy;
  };
  if (thinker.done) shown(false);
  else busyTimer = setTimeout(() => shown(true), 400);
}

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
  const problem = problems.find((p) => p.labels[0]?.start === place.start);
  $("summary").textContent = `Line ${place.line}: ${problem.code} ${problem.message}`;
}

async function formatText() {
  const before = editor.text;
  const { text } = await thinker.ask({ ask: "format", text: before });
  if (text === null) say("The text has mistakes that leave its layout open.");
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
    editor.words = words.map(([start, end, colour]) => ({ start, end, colour }));
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
      if (this.svg !== svg) $("graph").innerHTML = svg;
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
    editor.marks = found.flatMap(({ severity, labels }) =>
      labels.slice(0, 1).map(({ start, end }) => ({ severity, start: start === end ? Math.max(0, start - 1) : start, end: Math.max(end, 1) })),
    );
    editor.paint();
    const text = countText(found);
    $("text").setAttribute("aria-invalid", found.some((p) => p.severity === "error"));
    const list = $("problems");
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...found.map((p) => problemItem(p, { go: (l) => editor.go(l.start, l.end), repair: (f) => editor.edit(f.edits), explain })));
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

  stopped(message) {
    say(message);
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
  const options = examples.map(({ name, title }) => make("option", { value: name }, title));
  $("examples").append(...options);
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
