//! The language server in Neovim, by the project's own set-up. Where there is no Neovim the test says so and passes.

use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

const MODEL: &str = "dcm 1\nsmoker -> tär -> cancer\nsmoker, tär, cancer: binary\nquery q: P(cancr | do(smoker))\n";

/// What an editor's user would do: see a mistake, read about a name, take the repair, rename.
const SCRIPT: &str = r#"
local out = {}
local function wait(what, holds)
  if not vim.wait(30000, holds, 20) then error("waited in vain for " .. what) end
end
local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") end
local function code(d) return d.code or d.user_data.lsp.code end
local function main()
  wait("a mistake", function() return #vim.diagnostic.get(0) > 0 end)
  local found = vim.diagnostic.get(0)[1]
  out.mistake = { code = code(found), line = found.lnum, column = found.col, message = found.message }

  local at = { textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 1, character = 10 } }
  for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", at, 30000)) do
    out.hover = answer.result.contents.value
  end

  vim.ui.select = function(items, _, choose) choose(items[1]) end
  vim.api.nvim_win_set_cursor(0, { 4, 12 })
  vim.lsp.buf.code_action()
  wait("the repair", function() return text():find("P%(cancer") end)
  wait("no mistakes", function() return #vim.diagnostic.get(0) == 0 end)
  out.repaired = text()

  vim.api.nvim_win_set_cursor(0, { 2, 10 })
  vim.lsp.buf.rename("soot")
  wait("the new name", function() return not text():find("tär") end)
  out.renamed = text()
end
local done, why = pcall(main)
if not done then out.failure = tostring(why) end
vim.fn.writefile({ vim.fn.json_encode(out) }, os.getenv("OUT"))
vim.cmd("qa!")
"#;

#[test]
fn mistakes_hover_repairs_and_names_work_in_neovim() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("m.scm"), MODEL).unwrap();
    fs::write(file("script.lua"), SCRIPT).unwrap();
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/vim");
    let set_up = format!("lua require('dcm').setup({{ cmd = {{ {:?}, 'lsp' }} }})", env!("CARGO_BIN_EXE_dcmc"));
    let mut neovim = Command::new("nvim");
    neovim.args(["--headless", "-u", "NONE", "-i", "NONE", "-n", "--cmd"]).arg(format!("set rtp^={runtime}"));
    neovim.args(["--cmd", "filetype plugin on | syntax on", "--cmd", &set_up]);
    neovim.arg(file("m.scm")).arg("-c").arg(format!("luafile {}", file("script.lua").display()));
    neovim.env("OUT", file("out.json")).env("HOME", folder.path()).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    let Ok(done) = neovim.output() else {
        eprintln!("SKIPPED: there is no `nvim` here");
        return;
    };
    let said = String::from_utf8_lossy(&done.stderr);
    let out =
        fs::read_to_string(file("out.json")).unwrap_or_else(|error| panic!("Neovim wrote nothing: {error}\n{said}"));
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["failure"], Value::Null, "{said}");
    assert_eq!(out["mistake"]["code"], "E0201");
    assert_eq!((&out["mistake"]["line"], &out["mistake"]["column"]), (&3.into(), &11.into()));
    assert!(out["mistake"]["message"].as_str().unwrap().contains("cancr"), "{out}");
    assert!(out["hover"].as_str().unwrap().starts_with("**tär**: `binary`"), "{out}");
    let repaired = MODEL.replace("cancr", "cancer");
    assert_eq!(out["repaired"].as_str(), Some(repaired.trim_end()));
    assert_eq!(out["renamed"].as_str(), Some(repaired.replace("tär", "soot").trim_end()));
}
