// Model files are told from Scheme and from tree-sitter queries.
"use strict";

const test = require("node:test");
const assert = require("node:assert");
const { isModel } = require("../src/detect");

const models = [
  'dcm 1 "Front door"\nA -> B',
  "\uFEFFdcm 1",
  "# smoking\n\nsmoke -> tar -> cancer; smoke <-> cancer",
  "{X1, X2} -> W",
  "Age: int[0..99]",
  "query effect: P(Y | do(X))",
  'data obs = "obs.csv"',
  "truth {\n U ~ bernoulli(0.5)\n}",
  "É → B",
];
const others = [
  "(define (f x) (* x x))",
  "; Scheme\n(display 1)",
  "#!/usr/bin/guile\n!#\n(display 1)",
  "#lang racket\n(-> a b)",
  '(identifier) @variable\n((comment) @spell)',
  "#| comment |#\n(x -> y)",
  "",
];

test("models are models", () => models.forEach((text) => assert.ok(isModel("/a/m.scm", text), text)));
test("Scheme is not", () => others.forEach((text) => assert.ok(!isModel("/a/m.scm", text), text)));
test("queries of tree-sitter are left alone", () => {
  assert.ok(!isModel("/a/queries/dcm/highlights.scm", "A -> B"));
  assert.ok(isModel("/a/queries/m.scm", "dcm 1"), "but the first line is plain");
});
