-- Neovim: `require("dcm").setup()` starts the language server for causal graphs.
local M = {}

--- Shows the causal graph of the buffer as an SVG file in the system's viewer.
function M.graph()
  local params = { textDocument = vim.lsp.util.make_text_document_params() }
  vim.lsp.buf_request(0, "dcmc/graph", params, function(failure, result)
    if failure or not result.svg then
      return vim.notify(failure and failure.message or result.message, vim.log.levels.ERROR)
    end
    local file = vim.fn.tempname() .. ".svg"
    vim.fn.writefile(vim.split(result.svg, "\n"), file)
    local open = vim.ui.open or function(path) vim.fn.jobstart({ "xdg-open", path }) end -- before 0.10
    open(file)
  end)
end

--- Starts the server, or takes the one that runs for the folder.
local function start(config, buffer)
  if vim.lsp.start then
    return vim.lsp.start(config, { bufnr = buffer })
  end
  M.client = M.client or vim.lsp.start_client(config) -- before 0.8
  vim.lsp.buf_attach_client(buffer, M.client)
end

--- options.cmd: the server, by default { "dcmc", "lsp" }.
function M.setup(options)
  local cmd = (options or {}).cmd or { "dcmc", "lsp" }
  vim.api.nvim_create_autocmd("FileType", {
    pattern = "dcm",
    callback = function(event)
      local folder = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(event.buf), ":p:h")
      start({ name = "dcmc", cmd = cmd, root_dir = folder }, event.buf)
      vim.api.nvim_buf_create_user_command(event.buf, "DcmGraph", M.graph, { desc = "Show the causal graph" })
    end,
  })
end

return M
