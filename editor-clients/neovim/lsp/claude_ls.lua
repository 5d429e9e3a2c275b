-- How Neovim starts claude-ls: enable it with vim.lsp.enable("claude_ls").
return {
  cmd = { "claude-ls" },
  root_markers = { ".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod" },
  init_options = { claude = { prompts = true, applyEdit = true } },
  -- Neovim waits 150 ms before it reports a change. An edit counts as made when it is reported, so that wait would be
  -- paid for every hunk.
  flags = { debounce_text_changes = 10 },
  capabilities = { workspace = { codeLens = { refreshSupport = true } } },
  on_init = function(client) require("claude_ls.reported").follow(client) end,
  handlers = {
    -- Neovim's own puts the name of the server before it, on a line of its own, and then waits for <Enter>.
    ["window/showMessage"] = function(_, params)
      local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
      vim.notify(params.message, levels[params.type] or vim.log.levels.INFO)
    end,
    ["workspace/codeLens/refresh"] = function(_, _, context)
      local client = vim.lsp.get_client_by_id(context.client_id)
      if client then require("claude_ls.review").refresh(client) end
      return vim.NIL
    end,
    ["claude/applyEdit"] = function(...) return require("claude_ls.apply_edit")(...) end,
  },
  commands = {
    ["claude.promptEdit"] = function(command, context)
      require("claude_ls").prompt_edit(command.arguments[1], context.client_id)
    end,
  },
}
