" `:make` checks the model.
if exists('current_compiler')
  finish
endif
let current_compiler = 'dcmc'
CompilerSet makeprg=dcmc\ check\ --message-format\ short\ %:S
CompilerSet errorformat=%f:%l:%c:\ %trror[%m,%f:%l:%c:\ %tarning[%m,%f:%l:%c:\ %tote[%m,%f:%l:%c:\ %m
