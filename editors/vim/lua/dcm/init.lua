-- Neovim: `require("dcm").setup()` starts the language server for causal graphs.
local M = {}

--- Shows the causal graph of the buffer as an SVG file in the system's viewer.
function M.graph()
  local client = vim.lsp.get_clients({ bufnr = 0, name = "dcmc" })[1]
  if not client then
    return vim.notify("the language server does not run", vim.log.levels.ERROR)
  end
  local params = { textDocument = vim.lsp.util.make_text_document_params() }
  client:request("dcmc/graph", params, function(failure, result)
    if failure or not result.svg then
      return vim.notify(failure and failure.message or result.message, vim.log.levels.ERROR)
    end
    local file = vim.fn.tempname() .. ".svg"
    vim.fn.writefile(vim.split(result.svg, "\n"), file)
    vim.ui.open(file)
  end, 0)
end

--- options.cmd: the server, by default { "dcmc", "lsp" }.
function M.setup(options)
  local cmd = (options or {}).cmd or { "dcmc", "lsp" }
  vim.api.nvim_create_autocmd("FileType", {
    pattern = "dcm",
    callback = function(event)
      vim.lsp.start({ name = "dcmc", cmd = cmd, root_dir = vim.fs.dirname(event.file) }, { bufnr = event.buf })
      vim.api.nvim_buf_create_user_command(event.buf, "DcmGraph", M.graph, { desc = "Show the causal graph" })
    end,
  })
end

return M
