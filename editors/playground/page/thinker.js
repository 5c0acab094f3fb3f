// The thread that thinks, as the page sees it: one text at a time, the newest.

const $ = (id) => document.getElementById(id);
/** How long a newer text waits for an older one, in ms. */
const PATIENCE = 600;

const thinker = {
  module: null,
  worker: null,
  job: 0,
  /** The text of the job. */
  text: "",
  waiting: new Map(),
  /** Whether the newest text was looked at, and whether all was said of it. */
  checked: true,
  done: true,
  timer: 0,

  start() {
    this.worker?.terminate();
    for (const resolve of this.waiting.values()) resolve({});
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
    Object.assign(this, { job: this.job + 1, text, checked: false, done: false });
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

  /** The reply to a request beside the text; empty if the thread ends before. */
  ask(request) {
    const id = `${Date.now()}-${Math.random()}`;
    this.worker.postMessage({ id, request });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  },

  /** Gives up what it thinks about. */
  stop() {
    this.start();
    this.checked = this.done = true;
    say("Stopped. Change the text to go on.");
  },

  hear({ kind, job, id, at, reply, message }) {
    if (kind === "answer") {
      this.waiting.get(id)?.(reply);
      this.waiting.delete(id);
    } else if (kind === "crash") {
      console.error(message);
      this.start();
      this.checked = this.done = true;
      const deep = /call stack|recursion/i.test(message);
      say(deep ? "The text is nested too deep for this page." : "A bug in dcmc stopped it on this text.");
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
