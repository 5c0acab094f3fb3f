// The client of `dcmc lsp`, and the graph and the plan of a model beside its text.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { isModel } = require("./detect");

/** Languages that VS Code may take a `.scm` file for. */
const OTHERS = ["scheme", "plaintext", "query"];
/** A pause in typing after which a graph is drawn anew, in ms. */
const PAUSE = 150;
const PLAN = "dcm-plan";

let client;
/** The panels of graphs, by the documents' addresses. */
const panels = new Map();
const planChanged = new vscode.EventEmitter();

const settings = () => vscode.workspace.getConfiguration("dcm");
const isShown = (document) => panels.has(document.uri.toString());

async function start() {
  const command = settings().get("server.path") || "dcmc";
  const watcher = vscode.workspace.createFileSystemWatcher("**/*.{scm,csv,tsv,parquet,npz,safetensors}");
  client = new LanguageClient("dcm", "Causal graphs", { command, args: ["lsp"] }, {
    documentSelector: [{ language: "dcm" }],
    synchronize: { fileEvents: watcher },
  });
  try {
    await client.start();
  } catch (error) {
    const answer = await vscode.window.showErrorMessage(
      `The language server \`${command} lsp\` does not start: ${error.message}. Install dcmc, or say where it is.`,
      "Settings",
    );
    if (answer) vscode.commands.executeCommand("workbench.action.openSettings", "dcm.server.path");
  }
}

async function restart() {
  await client?.stop().catch(() => {});
  await start();
}

/** The server's reply to one of its own requests about a document. */
function ask(method, uri, more) {
  return client.sendRequest(method, { textDocument: { uri: uri.toString() }, ...more });
}

// ---- which files are causal graphs ----

function recognise(document) {
  if (!OTHERS.includes(document.languageId) || !document.fileName.endsWith(".scm")) return;
  if (!settings().get("detectByContent") || !isModel(document.fileName, document.getText())) return;
  vscode.languages.setTextDocumentLanguage(document, "dcm");
}

// ---- the graph ----

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function page(body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body { display: grid; place-items: center; min-height: 95vh; } svg { max-width: 100%; height: auto; }</style>
</head><body>${body}</body></html>`;
}

async function draw(uri) {
  const panel = panels.get(uri.toString());
  if (!panel) return;
  try {
    const { svg, message } = await ask("dcmc/graph", uri);
    panel.webview.html = page(svg ?? `<p>${escaped(message)}</p>`);
  } catch {
    // The text has changed meanwhile: a newer drawing is on its way.
  }
}

function showGraph() {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId !== "dcm") return;
  const key = document.uri.toString();
  if (panels.has(key)) return panels.get(key).reveal();
  const name = vscode.workspace.asRelativePath(document.uri);
  const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
  const panel = vscode.window.createWebviewPanel("dcm.graph", `Graph of ${name}`, beside, { enableScripts: false });
  panels.set(key, panel);
  panel.onDidDispose(() => panels.delete(key));
  draw(document.uri);
}

// ---- the plan ----

const planOf = (uri) => vscode.Uri.from({ scheme: PLAN, path: "/plan.txt", query: uri.toString() });

async function planText(address) {
  const { text } = await ask("dcmc/plan", vscode.Uri.parse(address.query));
  return text ?? "There is no plan: see the problems of the model.\n";
}

async function showPlan() {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId !== "dcm") return;
  planChanged.fire(planOf(document.uri));
  const plan = await vscode.workspace.openTextDocument(planOf(document.uri));
  await vscode.window.showTextDocument(plan, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

// ---- life ----

async function activate(context) {
  let timer;
  const changed = ({ document }) => {
    if (!isShown(document)) return;
    clearTimeout(timer);
    timer = setTimeout(() => draw(document.uri), PAUSE);
  };
  context.subscriptions.push(
    vscode.workspace.onDidOpenTextDocument(recognise),
    vscode.workspace.onDidChangeTextDocument(changed),
    vscode.workspace.registerTextDocumentContentProvider(PLAN, {
      onDidChange: planChanged.event,
      provideTextDocumentContent: planText,
    }),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("dcm.server.path") && restart()),
    vscode.commands.registerCommand("dcm.showGraph", showGraph),
    vscode.commands.registerCommand("dcm.showPlan", showPlan),
    vscode.commands.registerCommand("dcm.restart", restart),
  );
  vscode.workspace.textDocuments.forEach(recognise);
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
