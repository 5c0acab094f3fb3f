// The page in Chromium: `npm ci && npm test`, once scripts/build-playground.sh has run. CHROMIUM names the browser,
// PAGE another page, SHOTS a folder for pictures of the page.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const PAGE = process.env.PAGE ?? new URL("dist/playground.html", import.meta.url).pathname;
const BROWSER = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
/** How long anything may take on a busy machine, in ms. */
const PATIENCE = 20_000;

if (!BROWSER || !existsSync(PAGE)) {
  console.error(`SKIPPED: ${BROWSER ? "the page is not built (scripts/build-playground.sh)" : "there is no Chromium here"}`);
  process.exit(0);
}

const server = createServer((request, response) => {
  const found = request.url === "/";
  response.writeHead(found ? 200 : 404, { "Content-Type": "text/html; charset=utf-8" });
  response.end(found ? readFileSync(PAGE) : "");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const home = `http://127.0.0.1:${server.address().port}/`;
const browser = await puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-gpu"] });

const requests = [];
const errors = [];

/** A page that has said what is wrong with its first text. */
async function visit(address = home, { width = 1360, height = 860 } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width, height });
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(address);
  await settled(page);
  return page;
}

/** Waits until everything is said of the text. */
const settled = (page) => page.waitForFunction(() => thinker.module && thinker.done && thinker.checked && document.querySelector("#examples").options.length > 1);

/** Waits until the line that is read aloud says something. */
const said = (page, words) => page.waitForFunction((w) => document.querySelector("#summary").textContent === w, {}, words);

async function write(page, text) {
  await page.focus("#text");
  await page.evaluate(() => document.querySelector("#text").select());
  await page.keyboard.press("Delete");
  await page.keyboard.sendCharacter(text);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await settled(page);
}

async function choose(page, name) {
  await page.select("#examples", name);
  await settled(page);
}

const all = (page, selector, what = (e) => e.textContent) => page.$$eval(selector, (list, f) => list.map(eval(f)), String(what));
const text = (page, selector) => page.$eval(selector, (e) => e.textContent);
const shot = (page, name) => process.env.SHOTS && page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) });
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);

const tests = {
  async "the page is interactive in a second, and says when"() {
    const times = [];
    for (let visits = 0; visits < 5; visits++) {
      const page = await visit();
      times.push(Math.round(await page.evaluate(() => performance.getEntriesByName("interactive")[0].startTime)));
      await said(page, "No problems");
      await page.close();
    }
    console.log(`     interactive after ${times.join(", ")} ms`);
    // Other work on the machine is no fault of the page.
    assert.ok(Math.min(...times) < 1000, `${times} ms`);
  },

  async "the front door is drawn with its modules"() {
    const page = await visit();
    assert.equal((await all(page, "#graph .node")).length, 3);
    const arc = await page.$eval("#graph .edge.hidden .line", (e) => e.getBoundingClientRect().width);
    assert.ok(arc > 50, `the hidden cause is seen: ${arc}`);
    assert.equal((await all(page, "#graph .module")).length, 2);
    assert.match(await text(page, "#graph desc"), /smoker -> tar/);
    await shot(page, "front-door");
    await page.click("#tab-queries");
    assert.match(await text(page, "#panel-queries"), /Front door/);
    assert.equal((await all(page, "#panel-queries math")).length > 2, true);
    const stroke = (selector) => page.$eval(selector, (e) => getComputedStyle(e).stroke);
    assert.equal(await stroke("#panel-queries .node.set rect"), "rgb(0, 114, 178)");
    assert.equal(await stroke("#panel-queries .node.asked rect"), "rgb(0, 158, 115)");
    await shot(page, "front-door-queries");
    await page.click("#tab-plan");
    assert.match(await text(page, "#panel-plan"), /2 modules/);
    await shot(page, "plan");
    await page.click("#tab-data");
    assert.equal((await all(page, "#panel-data tbody tr")).length, 12);
    await shot(page, "data");
    await page.close();
  },

  async "an error is seen as it is typed, and repaired by a button"() {
    const page = await visit();
    await write(page, "smoker -> tar -> cancer\nsmoker, tar, cancer: binary\nquery q: P(cancr | do(smoker))\n");
    assert.match(await text(page, "#problems"), /E0201/);
    assert.equal((await all(page, ".backdrop .mark.error")).join(""), "cancr");
    assert.equal(await page.$eval("#text", (e) => e.getAttribute("aria-invalid")), "true");
    await said(page, "1 error");
    await shot(page, "error");
    await page.click(".fixes button");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await settled(page);
    assert.match(await page.$eval("#text", (e) => e.value), /P\(cancer \|/);
    assert.equal((await all(page, "#problems li")).length, 0);
    await page.keyboard.down("Control");
    await page.keyboard.press("z");
    await page.keyboard.up("Control");
    assert.match(await page.$eval("#text", (e) => e.value), /P\(cancr \|/, "undo");
    await page.close();
  },

  async "colours follow the words while typing"() {
    const page = await visit();
    const shown = () => all(page, ".backdrop .w-Variable").then((words) => words.join(" "));
    await write(page, "A -> B\n");
    await page.keyboard.type("A -> C");
    assert.equal(await text(page, ".backdrop"), "A -> B\nA -> C\n");
    await settled(page);
    await page.waitForFunction(() => document.querySelectorAll(".backdrop .w-Variable").length === 4);
    assert.equal(await shown(), "A B A C");
    await page.close();
  },

  async "a hedge is seen, with bounds and two models"() {
    const page = await visit();
    await choose(page, "bow");
    await page.click("#tab-queries");
    assert.ok((await all(page, "#panel-queries .node.fp")).length > 0);
    assert.match(await text(page, "#panel-queries"), /not identifiable[\s\S]*Hedge in clinic[\s\S]*lies in \[/i);
    assert.match(await text(page, "#tab-queries"), /1 of 2 identifiable/);
    await shot(page, "hedge");
    await page.$eval(".verdict", (e) => e.scrollIntoView());
    await page.close();
  },

  async "a code has its page"() {
    const page = await visit();
    await write(page, "A -> B -> A\n");
    await page.click("#problems .code");
    await page.waitForSelector("dialog[open]");
    assert.match(await text(page, "#dialog"), /E0301/);
    assert.deepEqual(await all(page, "#dialog-body h3"), ["Example", "Why", "Repair", "Reference"]);
    assert.ok((await all(page, "#dialog-body li")).length > 1);
    assert.doesNotMatch((await all(page, "#dialog-body p, #dialog-body li")).join(), /##|\*/);
    await shot(page, "code");
    await page.keyboard.press("Escape");
    assert.equal(await page.$("dialog[open]"), null);
    await page.close();
  },

  async "dark and light follow the system and the switch"() {
    const page = await visit();
    const paper = () => page.$eval("#graph .paper", (e) => getComputedStyle(e).fill);
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await paper(), "rgb(255, 255, 255)");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    assert.deepEqual([await paper(), await back()], ["rgb(27, 33, 39)", "rgb(20, 24, 28)"]);
    await shot(page, "dark");
    await page.click("#tab-queries");
    await shot(page, "dark-queries");
    await page.select("#theme", "light");
    assert.deepEqual([await paper(), await back()], ["rgb(255, 255, 255)", "rgb(251, 251, 250)"]);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await page.select("#theme", "dark");
    await choose(page, "asia");
    assert.equal(await paper(), "rgb(27, 33, 39)", "a new graph too");
    await page.click("#tab-graph");
    await shot(page, "asia-dark");
    await page.close();
  },

  async "everything is reached by keys"() {
    const page = await visit();
    const order = [];
    for (let at = 0; at < 14; at++) {
      await page.keyboard.press("Tab");
      order.push(await focused(page));
    }
    assert.deepEqual(order.slice(0, 8), ["skip", "examples", "format", "share", "theme", "text", "tab-graph", "panel-graph"]);
    await page.focus("#tab-graph");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(page), "tab-queries");
    assert.equal(await page.$eval("#panel-queries", (e) => e.hidden), false);
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(page), "tab-data");
    await write(page, "A -> B\nA -> A\nquery q: P(C)\n");
    await page.evaluate(() => document.querySelector("#text").setSelectionRange(0, 0));
    await page.keyboard.press("F8");
    const first = await page.evaluate(() => document.querySelector("#text").selectionStart);
    assert.ok(first > 0 && (await focused(page)) === "text");
    assert.match(await text(page, "#summary"), /^Line \d+: [EWN]\d{4} /);
    await write(page, "A->B");
    await page.keyboard.down("Shift");
    await page.keyboard.down("Alt");
    await page.keyboard.press("F");
    await page.keyboard.up("Alt");
    await page.keyboard.up("Shift");
    await page.waitForFunction(() => document.querySelector("#text").value === "A -> B\n");
    await page.close();
  },

  async "a link holds the text"() {
    const page = await visit();
    const model = "É -> `b c` # 𝒳\n";
    await write(page, model);
    await page.click("#share");
    await page.waitForFunction(() => location.hash.length > 4);
    const link = page.url();
    assert.ok(link.length < 120, link);
    const other = await visit(link);
    assert.equal(await other.$eval("#text", (e) => e.value), model);
    const broken = await visit(`${home}#m=%%%`);
    await said(broken, "No problems");
    await Promise.all([page, other, broken].map((p) => p.close()));
  },

  async "what takes long is given up for a new text"() {
    const page = await visit();
    // Every pair is confounded and every set a candidate: identification takes its time.
    const n = 26;
    const names = Array.from({ length: n }, (_, at) => `V${at}`);
    const edges = names.flatMap((a, i) => names.slice(i + 1).map((b, j) => `${a} -> ${b}${(i + j) % 3 ? "" : `; ${a} <-> ${b}`}`));
    const sums = names.map((v, at) => `  ${v} ~ bernoulli(0.5${at ? ` + 0.01 * V${at - 1}` : ""})`);
    const slow = `${edges.join("\n")}\n${names.join(", ")}: binary\ntruth {\n${sums.join("\n")}\n}\n${names.map((v) => `query q${v}: P(V25 | do(${v}))`).join("\n")}\n`;
    await page.evaluate((t) => open(t), slow);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const start = Date.now();
    await page.evaluate(() => open("A -> B -> A\n"));
    await page.waitForFunction(() => document.querySelector("#problems").textContent.includes("E0301"));
    const took = Date.now() - start;
    console.log(`     a new text is answered after ${took} ms`);
    assert.ok(took < 4000, `${took} ms`);
    await page.close();
  },

  async "texts of any kind leave the page alive"() {
    const page = await visit();
    for (const strange of ["(".repeat(30_000), `truth { A = ${"(".repeat(5000)}1${")".repeat(5000)} }`, "\u0000\ud800 -> B", "<img src=x onerror=alert(1)> -> `<script>x</script>`", "A -> B\n".repeat(3000)]) {
      await page.evaluate((t) => open(t), strange);
      await settled(page);
    }
    await choose(page, "front_door");
    assert.equal((await all(page, "#graph .node")).length, 3);
    assert.deepEqual(await all(page, "#panel-queries script, #graph script, #graph img"), []);
    await page.close();
  },

  async "it opens as a file, on a narrow screen"() {
    const page = await visit(pathToFileURL(PAGE).href, { width: 400, height: 800 });
    assert.equal((await all(page, "#graph .node")).length, 3);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, "the page does not scroll sideways");
    if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, "narrow.png"), fullPage: true });
    await page.close();
  },

  async "rules of accessibility hold, in light and dark"() {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const page = await visit();
    await choose(page, "bow");
    for (const theme of ["light", "dark"]) {
      await page.select("#theme", theme);
      for (const tab of ["graph", "queries", "plan", "data"]) {
        await page.click(`#tab-${tab}`);
        await page.evaluate(axe); // by the debugger: the page itself runs no foreign script
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        const said = violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).slice(0, 3).join("; ")}`);
        assert.deepEqual(said, [], `${theme}, ${tab}`);
      }
    }
    await page.close();
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (process.argv[2] && !name.includes(process.argv[2])) continue;
  try {
    await test();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.error(`FAIL ${name}\n${error.stack}`);
  }
}
const outside = requests.filter((url) => !url.startsWith(home) && !/^(data|blob|file):/.test(url));
if (outside.length || errors.length) {
  failed++;
  console.error("FAIL requests to the outside, or errors of scripts", outside, errors);
}
await browser.close();
server.close();
process.exit(failed ? 1 : 0);
