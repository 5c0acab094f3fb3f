/**
 * The language of causal graphs. `grammar/scm.pest` of dcmc is its definition; the project's tests hold this grammar to
 * it on every example and test program. Newlines end statements except inside brackets and next to operators:
 * `src/scanner.c` decides.
 *
 * @file Tree-sitter grammar of dcmc model files
 * @license MIT OR Apache-2.0
 */

/* global grammar, seq, choice, optional, repeat, repeat1, token, prec, alias, field */

// Words that are keywords by their place only; anywhere else they are names.
const STATEMENTS = ["dcm", "import", "latent", "data", "truth", "train", "query", "output", "expect", "assert"];
const CLAUSES = ["abs", "as", "do", "identifiable", "independent", "pretrained", "sample", "simulate", "table", "vs"];
const FORMS = ["P", "E", "ATE", "ETT", "NDE", "NIE", "PN", "PS", "tv", "kl"];
// In expressions these are never names.
const RESERVED = ["if", "then", "else", "and", "or", "xor", "not"];

const commas = (rule) => seq(rule, repeat(seq(",", rule)));
const commasTrailing = (rule) => seq(commas(rule), optional(","));

module.exports = grammar({
  name: "dcm",

  externals: ($) => [$._newline, $._row_end],
  extras: ($) => [/[ \t\r\n\uFEFF\u00A0]/, $.comment],
  word: ($) => $._bare,
  supertypes: ($) => [$.expression],

  conflicts: ($) => [
    [$._keyword_name, $.distance],
    [$._keyword_name, $.abs],
    [$.set, $.entry],
    [$.set, $._entry_sep],
    [$.type],
    [$._term],
  ],

  rules: {
    source_file: ($) => seq(repeat($._sep), optional(seq($._first, repeat(seq(repeat1($._sep), $._statement)), repeat($._sep)))),

    comment: () => token(prec(-1, /#[^\r\n]*/)),
    _sep: ($) => choice($._newline, ";"),
    _first: ($) => choice($.edition, $._statement),
    _statement: ($) =>
      choice(
        $.data, $.truth, $.train, $.query, $.output, $.expect, $.assertion, $.import, $.latent, $.edges,
        $.declaration, $.bare,
      ),

    // Names and constants
    _bare: () => /[_\p{XID_Start}]\p{XID_Continue}*'*(\.[_\p{XID_Start}]\p{XID_Continue}*'*)*/,
    quoted: () => /`[^`\r\n]+`/,
    _keyword_name: () => choice(...STATEMENTS, ...CLAUSES, ...FORMS),
    name: ($) => choice($._bare, $.quoted, $._keyword_name, ...RESERVED),
    _expression_name: ($) => choice($._bare, $.quoted, $._keyword_name),
    integer: () => /-?\d+/,
    float: () => /-?(\d+\.\d+([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|\d+[eE][+-]?\d+)/,
    _number: ($) => choice($.integer, $.float),
    string: ($) => seq('"', repeat(choice($._text, $.escape)), token.immediate('"')),
    _text: () => token.immediate(prec(1, /[^"\\\r\n]+/)),
    escape: () => token.immediate(prec(1, /\\[^\r\n]/)),
    names: ($) => commas($.name),
    set: ($) =>
      seq("{", repeat($._newline), optional(seq($.name, repeat(seq(optional($._set_sep), $.name)), optional($._set_end))), "}"),
    _set_sep: ($) => choice(repeat1($._newline), seq(choice(",", ";"), repeat($._newline))),
    _set_end: ($) => choice(repeat1($._newline), seq(",", repeat($._newline))),
    group: ($) => choice($.set, $.name),

    // The graph
    edition: ($) => seq("dcm", field("number", $.integer), optional(field("title", $.string))),
    edges: ($) => seq($.group, repeat1(seq(field("arrow", $.arrow), $.group))),
    arrow: () => choice("<->", "↔", "->", "→", "<-", "←"),
    latent: ($) => seq("latent", field("hidden", $.names), optional(seq(choice("->", "→"), field("children", $.group)))),
    bare: ($) => $.group,
    declaration: ($) =>
      seq($.declared, ":", field("type", $.type), optional($.pretrained), optional($.block)),
    declared: ($) => choice($.set, $.names),
    pretrained: ($) => seq("pretrained", field("file", $.string)),
    type: ($) => seq(field("name", alias($.name, $.type_name)), optional(choice($.range, $.sizes, $.labels))),
    range: ($) => seq("[", choice(seq($.integer, "..", optional($.integer)), seq("..", $.integer)), "]"),
    sizes: ($) => seq("[", commas($.integer), "]"),
    labels: ($) => prec.dynamic(1, seq("{", commasTrailing($.label), "}")),
    label: ($) => choice($.name, $.string, $.integer),

    // Blocks of settings
    block: ($) =>
      seq("{", repeat($._entry_sep), optional(seq($.entry, repeat(seq(repeat1($._entry_sep), $.entry)), repeat($._entry_sep))), "}"),
    _entry_sep: ($) => choice($._newline, ";", ","),
    entry: ($) => seq(field("key", $.name), optional(seq(":", field("value", $._value)))),
    _value: ($) => choice($.condition, $.list, $.sized, $.file_block, $._number, $.name_block, $.block),
    file_block: ($) => seq($.string, optional($.block)),
    name_block: ($) => seq($.name, optional($.block)),
    sized: ($) => seq(alias($.name, $.type_name), $.sizes),
    list: ($) => seq("[", optional(commasTrailing(choice($._number, $.string, $.name_block))), "]"),
    _scalar: ($) => choice($._number, $.string, $.name),
    condition: ($) => seq($.comparison, repeat(seq("and", $.comparison))),
    comparison: ($) => seq($.name, $._compare, $._scalar),
    _compare: () => choice("==", "!=", "<=", ">=", "<", ">"),

    // Data
    data: ($) => seq("data", field("name", $.name), "=", field("source", choice($.simulate, $.string)), repeat(choice($.do, $.block))),
    simulate: ($) => seq("simulate", "(", "truth", repeat(seq(",", $.entry)), ")"),
    do: ($) => seq("do", "(", commas($.setting), ")"),
    setting: ($) => seq($.name, optional(seq("=", field("value", $._scalar)))),
    train: ($) => seq("train", choice(seq(field("targets", $.group), $.block), $.block)),

    // Queries
    query: ($) => seq("query", field("name", $.name), ":", $._query_form),
    _query_form: ($) => choice($.contrast, $.samples, $.probability, $.combination),
    samples: ($) => seq("sample", "(", $._term, repeat(seq(",", $.entry)), ")"),
    probability: ($) => seq("P", "(", $._term, ")"),
    contrast: ($) =>
      choice(
        seq(choice("ATE", "ETT"), "(", $.name, $._versus, ")"),
        seq(choice("NDE", "NIE"), "(", $.name, $._versus, repeat1(seq(",", $.name)), ")"),
        seq(choice("PN", "PS"), "(", $.name, "=", $._scalar, $._versus, ")"),
      ),
    _versus: ($) => seq(",", $.name, "=", $._scalar, "vs", $._scalar),
    combination: ($) => seq(optional($._sign), $._scaled, repeat(seq($._sign, $._scaled))),
    _scaled: ($) =>
      choice(
        seq($._number, optional(seq("*", $.expectation, optional(seq(choice("*", "/"), $._number))))),
        seq($.expectation, optional(seq(choice("*", "/"), $._number))),
      ),
    _sign: () => choice("+", "-"),
    expectation: ($) => seq("E", "[", $._term, "]"),
    _term: ($) => seq(commas($.event), optional(seq("|", commas(choice($.do, $.event))))),
    event: ($) => seq($.name, optional($.world), optional(seq(choice("=", "<=", ">=", "<", ">"), field("value", $._scalar)))),
    world: ($) => seq("[", commas($.world_setting), "]"),
    world_setting: ($) => seq($.name, optional(seq("=", field("value", choice($.potential, $._scalar))))),
    potential: ($) => seq($.name, $.world),
    output: ($) => seq("output", field("query", $.name), "->", field("file", $.string), optional($.block)),

    // Expectations and assertions
    expect: ($) => seq("expect", $._measure, $._compare, $._number),
    _measure: ($) => seq($._atom, repeat(seq($._sign, $._atom))),
    _atom: ($) => choice($.abs, $.distance, $._number, $.row, seq("(", $._measure, ")")),
    abs: ($) => prec.dynamic(1, seq("abs", "(", $._measure, ")")),
    distance: ($) => prec.dynamic(1, seq(choice("tv", "kl"), "(", field("query", $.name), ",", field("reference", $.name), ")")),
    row: ($) => seq(field("query", $.name), optional(seq("(", commas($.setting), ")"))),
    assertion: ($) => seq("assert", choice($.identifiable, $.independent)),
    identifiable: ($) => seq("identifiable", "(", choice($._query_form, field("query", $.name)), ")"),
    independent: ($) =>
      seq("independent", "(", $.group, ",", $.group, optional(seq("|", commas(choice($.do_names, $.group)))), ")"),
    do_names: ($) => seq("do", "(", $.names, ")"),
    import: ($) => seq("import", field("file", $.string), optional(seq("as", field("alias", $.name)))),

    // The ground truth
    truth: ($) =>
      seq("truth", "{", repeat($._sep), optional(seq($._truth_entry, repeat(seq(repeat1($._sep), $._truth_entry)), repeat($._sep))), "}"),
    _truth_entry: ($) => choice($.truth_type, $.truth_table, $.draw, $.compute),
    truth_type: ($) => seq($.declared, ":", field("type", $.type)),
    draw: ($) => seq(field("name", $.name), "~", $.expression),
    compute: ($) => seq(field("name", $.name), "=", $.expression),
    truth_table: ($) => seq(field("name", $.name), "~", "table", "(", field("parents", $.names), ")", $.table_block),
    table_block: ($) => seq("{", repeat($._table_sep), optional(seq($.table_row, repeat(seq(repeat1($._table_sep), $.table_row)), repeat($._table_sep))), "}"),
    _table_sep: ($) => choice($._row_end, ";", ","),
    table_row: ($) => seq(field("key", $.table_key), ":", $.list),
    table_key: ($) => choice(seq("(", commas($._scalar), ")"), $._scalar),

    expression: ($) =>
      choice($.unsigned, $.string, $.call, $.variable, $.if, $.unary, $.binary, $.parenthesized),
    unsigned: () => /(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?/,
    variable: ($) => $._expression_name,
    parenthesized: ($) => seq("(", $.expression, ")"),
    if: ($) => prec.right(seq("if", $.expression, "then", $.expression, "else", $.expression)),
    unary: ($) => choice(prec(8, seq("-", $.expression)), prec(4, seq("not", $.expression))),
    binary: ($) => {
      const level = (n, ...operators) => prec.left(n, seq($.expression, field("operator", operators.length > 1 ? choice(...operators) : operators[0]), $.expression));
      return choice(
        level(1, "or"),
        level(2, "xor"),
        level(3, "and"),
        level(5, "==", "!=", "<=", ">=", "<", ">"),
        level(6, "+", "-"),
        level(7, "*", "/", "%"),
      );
    },
    call: ($) => seq(field("function", alias(choice($._bare, $.quoted, "abs", "sample"), $.function_name)), "(", optional(commas($.argument)), ")"),
    argument: ($) => seq(optional(seq(field("name", $.name), ":")), $.expression),
  },
});
