// Which `.scm` files are causal graphs: Scheme and tree-sitter queries have the same extension.
"use strict";

const FIRST = /^\uFEFF?\s*dcm[ \t]+1(?![\w'])/;
// `A -> B`, `{A, B} <-> C`, `X: binary`, `query q: P(`, `data d = "`, `truth {`
const STATEMENTS = [
  /^\s*(\{[^{}]*\}|[\p{L}_`][^\s()"']*)\s*(->|<->|<-|→|↔|←)\s*[\p{L}_`{]/u,
  /^\s*[\p{L}_`][^\s()"]*\s*:\s*(binary|real|int\[|categorical\b|vector\[|image\[)/u,
  /^\s*query\s+[\p{L}_`][^\s()"]*\s*:\s*(P\s*\(|E\s*\[|(?:ATE|ETT|NDE|NIE|PN|PS)\s*\(|sample\s*\()/u,
  /^\s*data\s+[\p{L}_`][^\s()"]*\s*=\s*("|simulate\s*\()/u,
  /^\s*truth\s*\{/,
];

/** Whether the text of a `.scm` file is a causal graph, by its first line or else by its first statement. */
function isModel(path, text) {
  // `queries/highlights.scm` and the like are tree-sitter's.
  if (/(^|[\\/])queries[\\/]/.test(path)) return FIRST.test(text);
  if (FIRST.test(text)) return true;
  const lines = text.slice(0, 4096).split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== "" && !/^\s*#(?![|;!])/.test(line));
  return first !== undefined && STATEMENTS.some((statement) => statement.test(first));
}

module.exports = { isModel };
