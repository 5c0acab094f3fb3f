// The packaged extension in the workbench of VS Code, in Chromium: `npm run package && npm run workbench`, once
// code-server (test/code-server.sh) and a built dcmc are there. CODE_SERVER names its entry.js or program, DCMC the
// server, CHROMIUM the browser, SHOTS a folder for pictures.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

/** How long anything may take on a busy machine, in ms. */
const PATIENCE = 120_000;
const HOST = "127.0.0.1";
const root = new URL("../../..", import.meta.url).pathname;
const version = JSON.parse(readFileSync(new URL("../package.json", import.meta.url))).version;
const VSIX = new URL(`../dcm-${version}.vsix`, import.meta.url).pathname;
const DCMC = process.env.DCMC ?? join(root, "target/release/dcmc");
const BROWSER = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const CODE_SERVER = process.env.CODE_SERVER ?? onPath("code-server");

const MODEL = `dcm 1 "Smoking"
smoker -> tar -> cancer    # what causes what
smoker <-> cancer
smoker, tar, cancer: binary

query effect: P(cancr | do(smoker = 1))
query seen: P(cancer | smoker = 1)
`;

function onPath(name) {
  return process.env.PATH.split(":").map((folder) => join(folder, name)).find(existsSync);
}

const needed = { "code-server": CODE_SERVER, Chromium: BROWSER, "dcmc (cargo build --release)": DCMC, "the package (npm run package)": VSIX };
for (const [what, path] of Object.entries(needed)) {
  if (path && existsSync(path)) continue;
  console.error(`SKIPPED: the extension in VS Code: there is no ${what} here`);
  process.exit(0);
}

/** A port that nobody uses. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, HOST, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), "dcm-workbench-"));
const at = (...parts) => join(folder, ...parts);
mkdirSync(at("user/User"), { recursive: true });
mkdirSync(at("work"));
writeFileSync(at("work/smoking.scm"), MODEL);
writeFileSync(at("work/lists.scm"), "(define (twice x) (* 2 x))\n");
const settings = { "dcm.server.path": DCMC, "workbench.startupEditor": "none", "editor.minimap.enabled": false, "telemetry.telemetryLevel": "off", "extensions.autoUpdate": false, "workbench.colorTheme": "Default Light Modern" };
writeFileSync(at("user/User/settings.json"), JSON.stringify(settings));

const start = CODE_SERVER.endsWith(".js") ? [process.execPath, CODE_SERVER] : [CODE_SERVER];
const places = ["--user-data-dir", at("user"), "--extensions-dir", at("extensions"), "--config", at("config.yaml")];
const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: at("config"), XDG_DATA_HOME: at("data"), EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
execFileSync(start[0], [...start.slice(1), ...places, "--install-extension", VSIX], { env, stdio: ["ignore", "ignore", "inherit"] });

const port = await freePort();
const options = ["--auth", "none", "--bind-addr", `${HOST}:${port}`, "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override"];
const server = spawn(start[0], [...start.slice(1), ...places, ...options], { env, stdio: ["ignore", "pipe", "inherit"] });
await new Promise((resolve, reject) => {
  server.on("exit", (code) => reject(new Error(`code-server stopped with ${code}`)));
  server.stdout.on("data", (text) => `${text}`.includes("listening on") && resolve());
});

const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await puppeteer.launch({ executablePath: BROWSER, args: quiet, protocolTimeout: PATIENCE });
const page = await browser.newPage();
page.setDefaultTimeout(PATIENCE);
await page.setViewport({ width: 1280, height: 800 });

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
const shot = (name) => process.env.SHOTS && page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) });
/** Waits until `test` of a page holds; `what` says what for. */
async function until(what, test, ...more) {
  try {
    return await page.waitForFunction(test, {}, ...more);
  } catch (error) {
    await shot("failure");
    throw new Error(`waited in vain for ${what}: ${error.message}`);
  }
}
/** The text of the editor, as it is on the screen. */
const shown = () => page.$$eval(".editor-instance .view-line", (lines) =>
  lines.sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top)).map((l) => l.textContent.replaceAll("\u00a0", " ")).join("\n"));
const says = (selector, words) => until(`“${words}” in ${selector}`, (s, w) => [...document.querySelectorAll(s)].some((e) => e.textContent.replaceAll("\u00a0", " ").includes(w)), selector, words);

async function keys(...pressed) {
  for (const key of pressed) await page.keyboard.down(key);
  for (const key of pressed.reverse()) await page.keyboard.up(key);
}

async function openFile(name) {
  await keys("Control", "p");
  await page.waitForSelector(".quick-input-widget input");
  await page.keyboard.type(name);
  await says(".quick-input-list .monaco-list-row", name);
  await page.keyboard.press("Enter");
  await says(".tab.active", name);
}

/** The middle of a word on the screen. */
async function place(word) {
  return page.evaluate((wanted) => {
    const lines = document.createTreeWalker(document.querySelector(".editor-instance .view-lines"), NodeFilter.SHOW_TEXT);
    for (let node = lines.nextNode(); node; node = lines.nextNode()) {
      const start = node.textContent.replaceAll("\u00a0", " ").indexOf(wanted);
      if (start < 0) continue;
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, start + wanted.length);
      const { x, y, width, height } = range.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2, colour: getComputedStyle(node.parentElement).color };
    }
    return null;
  }, word);
}

const tests = {
  async "the file is a causal graph, and Scheme stays Scheme"() {
    await openFile("lists.scm");
    await sleep(1500);
    assert.notEqual(await page.$eval("[id='status.editor.mode']", (e) => e.textContent), "Causal graph");
    await openFile("smoking.scm");
    await says("[id='status.editor.mode']", "Causal graph");
  },

  async "words have colours"() {
    await until("semantic colours", () => document.querySelectorAll(".editor-instance .view-line span[class*=mtk]").length > 20);
    const colour = async (word) => (await place(word)).colour;
    const [keyword, name, comment, kind] = [await colour("query"), await colour("smoker"), await colour("# what"), await colour("binary")];
    assert.equal(new Set([keyword, name, comment, kind]).size, 4, `${keyword} ${name} ${comment} ${kind}`);
  },

  async "a mistake is underlined, and named among the problems"() {
    await until("a squiggle", () => document.querySelector(".squiggly-error"));
    await says("[id='status.problems']", "1");
    await shot("workbench");
  },

  async "hovering says what a name is"() {
    const { x, y } = await place("tar");
    await page.mouse.move(x - 3, y);
    await page.mouse.move(x, y);
    await says(".monaco-hover", "binary");
    await shot("hover");
    await page.mouse.move(5, 400);
  },

  async "the repair is a click away"() {
    const { x, y } = await place("cancr");
    await page.mouse.click(x, y);
    await keys("Control", ".");
    await says(".action-widget", "cancer");
    await shot("repairs");
    await page.keyboard.press("Enter");
    await until("the repair", () => document.querySelector(".editor-instance .view-lines").textContent.replaceAll("\u00a0", " ").includes("P(cancer | do(smoker"));
    await until("no squiggle", () => !document.querySelector(".squiggly-error"));
    assert.ok(!(await shown()).includes("cancr"));
  },

  async "a line above a query says whether it has an answer"() {
    await says(".codelens-decoration", "identifiable: Σ");
    await says(".codelens-decoration", "identifiable: P(cancer | smoker)");
    await shot("lenses");
  },

  async "names are proposed where they can stand"() {
    await keys("Control", "End");
    await page.keyboard.type("query more: P(t");
    await says(".suggest-widget", "tar");
    await shot("proposals");
    await page.keyboard.press("Escape");
    await says(".codelens-decoration", "not judged");
    await page.keyboard.press("Home");
    await keys("Shift", "End");
    await page.keyboard.press("Delete");
    await says(".codelens-decoration", "identifiable: P(cancer | smoker)");
  },

  async "the graph is drawn beside the text"() {
    await page.click(".editor-actions a[aria-label*='Show the causal graph']");
    const drawn = async () => {
      for (const frame of page.frames()) {
        if (await frame.$("svg .node").catch(() => null)) return frame;
      }
      return null;
    };
    let frame = null;
    for (const end = Date.now() + PATIENCE; !frame && Date.now() < end; ) {
      await sleep(200);
      frame = await drawn();
    }
    await shot("graph");
    assert.ok(frame, "no panel with a graph");
    assert.equal((await frame.$$("svg .node")).length, 3);
  },
};

let failed = 0;
try {
  await page.goto(`http://${HOST}:${port}/?folder=${encodeURIComponent(at("work"))}`);
  await page.waitForSelector(".monaco-workbench .part.editor");
  await says(".explorer-folders-view", "smoking.scm");
  for (const [name, test] of Object.entries(tests)) {
    await test();
    console.log(`ok   ${name}`);
  }
} catch (error) {
  // Each goes on where the one before it stopped.
  failed = 1;
  await Promise.resolve(shot("failure")).catch(() => {});
  console.error(`FAIL ${error.stack}`);
}
server.removeAllListeners("exit");
await browser.close();
server.kill();
rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
process.exit(failed);
