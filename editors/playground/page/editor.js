// The text: a textarea above a coloured copy of what it holds.

/** Spans `{start, end, …}` after the text changed: those before the change stay, those behind it move. */
function moved(spans, before, after) {
  const least = Math.min(before.length, after.length);
  let head = 0;
  while (head < least && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < least - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const [end, by] = [before.length - tail, after.length - before.length];
  return spans.flatMap((span) => {
    if (span.end <= head) return [span];
    if (span.start >= end) return [{ ...span, start: span.start + by, end: span.end + by }];
    // A word that is being typed keeps its colour.
    return span.start <= head && span.end >= end ? [{ ...span, end: span.end + by }] : [];
  });
}

class Editor {
  constructor(area, backdrop, gutter, changed) {
    Object.assign(this, { area, backdrop, gutter, words: [], marks: [], shown: "" });
    area.addEventListener("input", () => {
      this.follow();
      changed();
    });
    area.addEventListener("scroll", () => this.scroll());
    area.addEventListener("keydown", (event) => this.key(event));
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.area.scrollTo(0, 0);
    this.follow();
  }

  /** Replaces pieces of the text, so that undo brings them back. */
  edit(edits) {
    this.area.focus();
    for (const { start, end, text } of [...edits].sort((a, b) => b.start - a.start)) {
      this.area.setSelectionRange(start, end);
      const command = text === "" ? "delete" : "insertText";
      if (start === end && text === "") continue;
      if (!document.execCommand(command, false, text)) {
        this.area.setRangeText(text, start, end, "end");
        this.area.dispatchEvent(new Event("input"));
      }
    }
  }

  /** Puts the cursor at a place and shows it. */
  go(start, end) {
    this.area.focus();
    this.area.setSelectionRange(start, end);
    const line = this.text.slice(0, start).split("\n").length - 1;
    const height = parseFloat(getComputedStyle(this.area).lineHeight);
    const [top, seen] = [this.area.scrollTop, this.area.clientHeight];
    if (line * height < top || (line + 2) * height > top + seen) this.area.scrollTop = line * height - seen / 3;
  }

  /** A new line begins below the last one's first word. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const before = this.text.slice(0, this.area.selectionStart);
    const indent = /[ \t]*$/.exec(/(^|\n)([ \t]*)[^\n]*$/.exec(before)[2])[0] + (/[{(]\s*$/.test(before) ? "  " : "");
    if (indent === "") return;
    event.preventDefault();
    document.execCommand("insertText", false, `\n${indent}`);
  }

  follow() {
    this.words = moved(this.words, this.shown, this.text);
    this.marks = moved(this.marks, this.shown, this.text);
    this.paint();
  }

  /** Shows what each word is, and what is wrong. */
  paint() {
    const { text, words, marks } = this;
    this.shown = text;
    const cuts = new Set([0, text.length]);
    for (const { start, end } of [...words, ...marks]) cuts.add(start).add(end);
    const places = [...cuts].filter((at) => at <= text.length).sort((a, b) => a - b);
    const fragment = document.createDocumentFragment();
    let word = 0;
    for (let i = 0; i + 1 < places.length; i++) {
      const [start, end] = [places[i], places[i + 1]];
      while (word < words.length && words[word].end <= start) word++;
      const colour = words[word]?.start <= start ? `w-${words[word].colour}` : "";
      const mark = marks.find((m) => m.start <= start && end <= m.end);
      const span = document.createElement("span");
      span.className = mark ? `${colour} mark ${mark.severity}` : colour;
      span.textContent = text.slice(start, end);
      fragment.append(span);
    }
    fragment.append("\n");
    this.backdrop.replaceChildren(fragment);
    this.number();
    this.scroll();
  }

  number() {
    const lines = this.text.split("\n");
    const worst = new Map();
    for (const mark of [...this.marks].reverse()) worst.set(this.text.slice(0, mark.start).split("\n").length, mark.severity);
    this.gutter.replaceChildren(
      ...lines.map((_, at) => {
        const line = document.createElement("span");
        line.textContent = `${at + 1}\n`;
        line.className = worst.get(at + 1) ?? "";
        return line;
      }),
    );
  }

  scroll() {
    const { scrollTop, scrollLeft } = this.area;
    this.backdrop.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
    this.gutter.style.transform = `translateY(${-scrollTop}px)`;
  }
}
