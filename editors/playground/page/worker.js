// The thread that thinks. A job is a text; its parts are sent as they are found. Between parts a newer job is heard of;
// one part that takes too long is ended from outside, with the thread.
"use strict";

let wasm;
let latest = 0;

/** The reply of the WebAssembly module to a request. */
function ask(request) {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  const at = wasm.input(bytes.length);
  new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
  const length = wasm.answer();
  return JSON.parse(new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, wasm.output(), length)));
}

/** The text without halves of characters, which no UTF-8 holds; as long as before. */
const whole = (text) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));

const pause = () => new Promise((resolve) => setTimeout(resolve));

async function think({ job, text, down }) {
  latest = job;
  const check = ask({ ask: "check", text: whole(text) });
  postMessage({ kind: "check", job, reply: check });
  const parts = [{ kind: "conclude", request: { ask: "conclude", down } }];
  if (!check.errors) {
    check.queries.forEach((_, at) => parts.push({ kind: "query", at, request: { ask: "query", at, down } }));
    if (check.data) parts.push({ kind: "rows", request: { ask: "rows" } });
  }
  for (const { kind, at, request } of parts) {
    await pause();
    if (job !== latest) return;
    postMessage({ kind, at, job, reply: ask(request) });
  }
  postMessage({ kind: "done", job });
}

onmessage = async ({ data }) => {
  try {
    if (data.module) wasm = new WebAssembly.Instance(data.module).exports;
    else if (data.request) postMessage({ kind: "answer", id: data.id, reply: ask(data.request) });
    else await think(data);
  } catch (error) {
    postMessage({ kind: "crash", job: data.job, id: data.id, message: String(error) });
  }
};
