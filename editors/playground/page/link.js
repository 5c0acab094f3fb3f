// A text in a link: compressed, in the part of an address that no server sees.

const MARK = "#m=";

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

const ofBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** The fragment that holds a text. */
async function fragmentOf(text) {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  const letters = Array.from(bytes, (b) => String.fromCharCode(b)).join("");
  return MARK + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The text of a fragment; null if it holds none. */
async function textOf(fragment) {
  if (!fragment.startsWith(MARK)) return null;
  try {
    const bytes = ofBase64(fragment.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")));
  } catch {
    return null;
  }
}
