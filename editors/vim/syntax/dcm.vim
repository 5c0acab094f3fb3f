" Causal graphs of dcmc. Words are keywords by their place only: `data -> Y` is about a variable.
if exists('b:current_syntax')
  finish
endif

syn case match
syn iskeyword @,48-57,_,39,192-255
syn sync fromstart

" Operators, with the longest last: later rules win at the same place.
syn match dcmOperator "[-+*/%|~=<>]"
syn match dcmOperator "==\|!=\|<=\|>=\|\.\."
syn match dcmArrow "<->\|->\|<-\|[→←↔]"
syn match dcmNumber "\%(\k\|`\)\@1<!-\=\%(\d\+\%(\.\d\+\)\=\|\.\d\+\)\%([eE][-+]\=\d\+\)\=\>"

" Statements, at the beginning of a line or behind `;`
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=dcm\%(\s\+\d\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=\%(query\|data\|output\|latent\)\%(\s\+[[:alpha:]_`\x80-\U10FFFF]\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=expect\%(\s\+[[:alpha:]_`(0-9.-]\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=import\%(\s*\"\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=assert\%(\s\+\%(identifiable\|independent\)\s*(\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=train\%(\s*{\|\s\+[[:alpha:]_`][^:]*{\)\@="
syn match dcmKeyword "\%(^\s*\|;\s*\)\@<=truth\%(\s*{\)\@=" nextgroup=dcmTruth skipwhite

" Inside statements
syn match dcmKeyword "\<do\%(\s*(\)\@="
syn match dcmKeyword "\<simulate\%(\s*(\)\@="
syn match dcmKeyword "\<table\%(\s*(\)\@="
syn match dcmKeyword "\<pretrained\%(\s*[\"{]\)\@="
syn match dcmKeyword "\%(\"\s*\)\@<=\<as\>\%(\s\+[[:alpha:]_]\)\@="
syn match dcmKeyword "\%(=\s*[^,()]*\)\@<=\<vs\>"
syn match dcmBuiltin "\<\%(P\|ATE\|ETT\|NDE\|NIE\|PN\|PS\|sample\|identifiable\|independent\|tv\|kl\|abs\)\%(\s*(\)\@="
syn match dcmBuiltin "\<E\%(\s*\[\)\@="
syn match dcmType "\%(:\s*\)\@<=\<\%(binary\|real\|int\|categorical\|vector\|image\)\>"
syn match dcmSetting "\<\%(columns\|images\|where\|weight\|role\|array\|folder\|resize\|convert\|mechanism\|encode\|file\|inputs\|sha256\|layers\|latent\|range\|labels\|classes\|key\|engine\|epochs\|steps\|batch\|lr\|seed\|device\|hidden\|noise\|lambda\|critic_steps\|pac\|dropout\|width\|levels\|restarts\|bootstrap\|ensemble\|samples\|modular\|image_memory\|grid\|scale\|n\)\%(\s*:\)\@="

" The ground truth
syn region dcmTruth matchgroup=dcmBrace start="{" end="}" contained contains=@dcmTruthParts
syn region dcmTruthBraces matchgroup=dcmBrace start="{" end="}" contained transparent contains=@dcmTruthParts
syn cluster dcmTruthParts contains=dcmTruthBraces,dcmTruthWord,dcmFunction,dcmComment,dcmString,dcmQuoted,dcmNumber,dcmOperator,dcmKeyword,dcmType
syn keyword dcmTruthWord if then else and or xor not contained
syn match dcmFunction "\<\%(bernoulli\|uniform_int\|binomial\|categorical\|normal\|uniform\|exponential\|min\|max\|abs\|floor\|ceil\|round\|exp\|log\|sqrt\|digit\|classify\)\%(\s*(\)\@=" contained

syn match dcmQuoted "`[^`]\+`"
syn match dcmEscape "\\." contained
syn region dcmString start=+"+ skip=+\\.+ end=+"+ oneline contains=dcmEscape
syn match dcmComment "#.*$" contains=@Spell,dcmTodo
syn keyword dcmTodo TODO FIXME XXX contained

hi def link dcmOperator Operator
hi def link dcmArrow Operator
hi def link dcmNumber Number
hi def link dcmKeyword Keyword
hi def link dcmBuiltin Function
hi def link dcmFunction Function
hi def link dcmTruthWord Conditional
hi def link dcmType Type
hi def link dcmSetting Identifier
hi def link dcmString String
hi def link dcmEscape SpecialChar
hi def link dcmComment Comment
hi def link dcmTodo Todo

let b:current_syntax = 'dcm'
