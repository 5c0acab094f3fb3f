" Whether the buffer is a causal graph.
function! dcm#is_model() abort
  let l:first = '^\%ufeff\?\s*dcm[ \t]\+1\%([A-Za-z0-9_'']\)\@!'
  let l:name = substitute(expand('%:p'), '\\', '/', 'g')
  for l:line in getline(1, 200)
    if l:line =~# '^\s*$' || l:line =~# '^\s*#\%([|;!]\)\@!'
      continue
    endif
    if l:line =~# l:first
      return 1
    endif
    " The folder of tree-sitter's queries; and only the first statement counts.
    return l:name !~# '/queries/' && (
          \ l:line =~# '^\s*\%({[^{}]*}\|[^[:space:]()"''0-9;:#,-][^[:space:]()"]*\)\s*\%(->\|<->\|<-\|→\|↔\|←\)\s*[^[:space:]()"0-9>-]'
          \ || l:line =~# '^\s*[^[:space:]()"0-9;#,-][^[:space:]()"]*\s*:\s*\%(binary\|real\|int\[\|categorical\>\|vector\[\|image\[\)'
          \ || l:line =~# '^\s*query\s\+\S\+\s*:\s*\%(P\s*(\|E\s*\[\|\%(ATE\|ETT\|NDE\|NIE\|PN\|PS\)\s*(\|sample\s*(\)'
          \ || l:line =~# '^\s*data\s\+\S\+\s*=\s*\%("\|simulate\s*(\)'
          \ || l:line =~# '^\s*truth\s*{')
  endfor
  return 0
endfunction

" Vim has made it Scheme by then, if it knows the extension.
function! dcm#detect() abort
  if dcm#is_model()
    setlocal filetype=dcm
  endif
endfunction
