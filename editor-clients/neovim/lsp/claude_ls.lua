-- How Neovim starts claude-ls: enable it with vim.lsp.enable("claude_ls").
return {
  cmd = { "claude-ls" },
  root_markers = { ".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod" },
  init_options = { claude = { prompts = true, applyEdit = true } },
  -- Neovim waits 150 ms before it reports a change. An edit counts as made when it is reported, so that wait would be
  -- paid for every hunk.
  flags = { debounce_text_changes = 10 },
  handlers = {
    ["claude/applyEdit"] = function(...) return require("claude_ls.apply_edit")(...) end,
  },
  commands = {
    ["claude.promptEdit"] = function(command, context)
      require("claude_ls").prompt_edit(command.arguments[1], context.client_id)
    end,
  },
}
