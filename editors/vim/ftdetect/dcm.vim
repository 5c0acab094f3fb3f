" Causal graphs: `.scm` files whose first line is `dcm 1`, or whose first statement is one of the language. Scheme and
" the queries of tree-sitter have the same extension.
autocmd BufNewFile,BufRead *.scm call dcm#detect()
