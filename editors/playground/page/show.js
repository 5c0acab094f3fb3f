// What is found, as elements of the page. Texts go in as texts; HTML comes from the module alone, which escapes it.

/** An element with properties and children; `null` children are left out. */
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key.includes("-")) element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Text with its `code` set off. */
function prose(text) {
  return text.split(/`([^`]*)`/).map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

const MARKS = { error: "✕", warning: "!", note: "i" };

/** One problem: what, where, why, and buttons that repair it. */
function problemItem(problem, { go, repair, explain }) {
  const { severity, code, labels, notes, helps, fixes } = problem;
  const places = labels.map((label, at) =>
    make(
      "li",
      {},
      make("button", { type: "button", className: "place", onclick: () => go(label) }, `line ${label.line}, column ${label.column}`),
      label.message === "" ? "" : ": ",
      ...prose(label.message),
      at === 0 || labels.length === 1 ? null : make("span", { className: "unseen" }, " (related)"),
    ),
  );
  const lines = [...notes.map((n) => ["note", n]), ...helps.map((h) => ["help", h])];
  return make(
    "li",
    { className: `problem ${severity}` },
    make(
      "p",
      {},
      make("span", { className: "icon", "aria-hidden": "true" }, MARKS[severity]),
      make("button", { type: "button", className: "code", title: `What ${code} means`, onclick: () => explain(code) }, code),
      make("span", { className: "unseen" }, ` ${severity}: `),
      " ",
      ...prose(problem.message),
    ),
    make("ul", { className: "places" }, ...places),
    ...lines.map(([label, text]) => make("p", { className: "more" }, make("b", {}, `${label}: `), ...prose(text))),
    fixes.length === 0
      ? null
      : make(
          "p",
          { className: "fixes" },
          ...fixes.map((fix) => make("button", { type: "button", onclick: () => repair(fix) }, ...prose(fix.title))),
        ),
  );
}

/** How many problems of each kind. */
function countText(problems) {
  const count = (severity, word) => {
    const n = problems.filter((p) => p.severity === severity).length;
    return n === 0 ? [] : [`${n} ${word}${n === 1 ? "" : "s"}`];
  };
  const found = ["error", "warning", "note"].flatMap((severity) => count(severity, severity));
  return found.length === 0 ? "No problems" : found.join(", ");
}

function planCards(plan) {
  const fact = ({ label, text }) => [make("dt", {}, label), make("dd", {}, text)];
  const card = (module, at) =>
    make(
      "article",
      { className: `card hue${at % 8}`, "aria-label": `Module ${module.id}` },
      make("h3", {}, module.id),
      make("p", { className: "remark" }, module.summary),
      make("dl", {}, ...module.facts.flatMap(fact)),
    );
  return [make("p", { className: "note" }, `${plan.summary}, in the order they are trained.`), ...plan.modules.map(card)];
}

function dataTables(sets) {
  const table = ({ name, head, rows }) =>
    make(
      "div",
      { className: "scroll", tabIndex: 0 },
      make(
        "table",
        { "aria-label": `Rows of ${name}` },
        make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", { scope: "col" }, cell)))),
        make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))),
      ),
    );
  return sets.map((set) =>
    make(
      "section",
      { className: "query", "aria-label": `Data set ${set.name}` },
      make("h2", {}, set.name),
      make("p", { className: "why" }, `${set.about}.`),
      set.rows.length === 0 ? null : table(set),
    ),
  );
}

/** Text with its `code` and *stress* set off; links become their texts. */
function inline(text) {
  const plain = text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\*\*([^*]*)\*\*/g, "$1");
  const parts = plain.split(/(`[^`]*`|\*[^*\s][^*]*\*)/);
  return parts.map((part, at) => (at % 2 ? make(part[0] === "`" ? "code" : "em", {}, part.slice(1, -1)) : part));
}

/** A page of a code, which is Markdown with headings, lists, blocks of code and paragraphs. */
function markdown(text) {
  const elements = [];
  const blocks = text.split(/^```\w*\n([\s\S]*?)^```$/m);
  blocks.forEach((block, at) => {
    if (at % 2) {
      elements.push(make("pre", { tabIndex: 0 }, make("code", {}, block.trimEnd())));
      return;
    }
    // A heading, an item of a list, or lines up to the next of those or an empty line.
    for (const piece of block.split(/\n\s*\n|\n(?=[-*#] |##)|(?<=^#[^\n]*)\n/m).map((p) => p.trim()).filter(Boolean)) {
      const heading = /^#+ (.*)$/.exec(piece);
      const item = /^[-*] ([\s\S]*)$/.exec(piece);
      if (heading) elements.push(make("h3", {}, ...inline(heading[1])));
      else if (!item) elements.push(make("p", {}, ...inline(piece.replaceAll("\n", " "))));
      else {
        if (elements.at(-1)?.tagName !== "UL") elements.push(make("ul", {}));
        elements.at(-1).append(make("li", {}, ...inline(item[1].replace(/\s+/g, " "))));
      }
    }
  });
  return elements;
}
