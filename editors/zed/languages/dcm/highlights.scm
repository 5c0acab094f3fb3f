; Colours; later patterns win.

(comment) @comment
(string) @string
(escape) @string.escape
[(integer) (float) (unsigned)] @number

[";" "," ":"] @punctuation.delimiter
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["=" "==" "!=" "<=" ">=" "<" ">" "+" "-" "*" "/" "%" "~" ".." "|"] @operator
(arrow) @operator

(name) @variable
(variable) @variable
(type_name) @type
(function_name) @function
(label) @constant
(entry key: (name) @property)
(argument name: (name) @property)
(table_key (name) @constant)
(setting value: (name) @constant)
(event value: (name) @constant)
(world_setting value: (name) @constant)

(query name: (name) @function)
(output query: (name) @function)
(distance query: (name) @function)
(row query: (name) @function)
(identifiable query: (name) @function)
(data name: (name) @module)
(distance reference: (name) @module)
(import alias: (name) @module)
(latent hidden: (names (name) @variable.parameter))

(edition "dcm" @keyword)
(data "data" @keyword)
(truth "truth" @keyword)
(train "train" @keyword)
(query "query" @keyword)
(output "output" @keyword)
(expect "expect" @keyword)
(assertion "assert" @keyword)
(import "import" @keyword)
(import "as" @keyword)
(latent "latent" @keyword)
(pretrained "pretrained" @keyword)
(do "do" @keyword)
(do_names "do" @keyword)
(condition "and" @keyword.operator)
(simulate ["simulate" "truth"] @keyword)
(truth_table "table" @keyword)
(contrast "vs" @keyword)
(if ["if" "then" "else"] @keyword)
(unary "not" @keyword.operator)
(binary operator: ["and" "or" "xor"] @keyword.operator)

(probability "P" @function.builtin)
; Not "E": the runtime of Helix 25.01 (0.22) takes that for the beginning of its own ERROR.
(expectation . _ @function.builtin)
(contrast ["ATE" "ETT" "NDE" "NIE" "PN" "PS"] @function.builtin)
(samples "sample" @function.builtin)
(abs "abs" @function.builtin)
(distance ["tv" "kl"] @function.builtin)
(identifiable "identifiable" @function.builtin)
(independent "independent" @function.builtin)
