-- Makes :Claude known; everything else is loaded when it is first used.
vim.api.nvim_create_user_command("Claude", function(call) require("claude_ls").command(call) end,
  { nargs = "*", range = true, desc = "Ask Claude", complete = function(...) return require("claude_ls").complete(...) end })
