-- :checkhealth claude_ls
local M = {}

function M.check()
  vim.health.start("claude-ls")
  if vim.fn.executable("claude-ls") == 0 then
    vim.health.error("claude-ls is not on the PATH", { "pipx install claude-ls" })
    return
  end
  local version = vim.system({ "claude-ls", "--version" }):wait()
  vim.health.ok(vim.trim(version.stdout))
  local report = vim.system({ "claude-ls", "check" }, { env = { NO_COLOR = "1" } }):wait()
  (report.code == 0 and vim.health.ok or vim.health.warn)(vim.trim(report.stdout))
  if #vim.lsp.get_clients({ name = "claude_ls" }) == 0 then
    vim.health.info('not running: add vim.lsp.enable("claude_ls") to your init.lua and open a file')
  end
end

return M
