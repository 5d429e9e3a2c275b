-- Hands on what other servers and linters report. Neovim's menu tells each server only of its own diagnostics.
local M = {}

-- A diagnostic as the protocol has it: as its server said it, else made of what Neovim knows.
local function as_reported(item, encoding)
  local reported = vim.tbl_get(item, "user_data", "lsp")
  if reported and reported.range then return reported end
  local function place(row, column)
    local line = vim.api.nvim_buf_get_lines(item.bufnr, row, row + 1, false)[1] or ""
    return { line = row, character = vim.str_utfindex(line, encoding, math.min(column, #line), false) }
  end
  return {
    range = {
      start = place(item.lnum, item.col),
      ["end"] = place(item.end_lnum or item.lnum, item.end_col or item.col),
    },
    message = item.message,
    severity = item.severity,
    source = item.source,
    code = item.code,
  }
end

local function alike(one, other)
  return one.source == other.source and one.code == other.code and (one.code ~= nil or one.message == other.message)
end

-- All that others report on the lines from `first` to `last` (from 0), and all in the buffer that is like any of it.
local function found(client, buffer, first, last)
  local own = { [vim.lsp.diagnostic.get_namespace(client.id, false)] = true, [vim.lsp.diagnostic.get_namespace(client.id, true)] = true }
  local theirs = vim.tbl_filter(function(item) return not own[item.namespace] end, vim.diagnostic.get(buffer))
  local here = vim.tbl_filter(function(item) return item.lnum <= last and (item.end_lnum or item.lnum) >= first end, theirs)
  local like_here = vim.tbl_filter(function(item)
    return vim.iter(here):any(function(other) return alike(item, other) end)
  end, theirs)
  return here, like_here
end

-- Has the menu of this client know of what others report.
function M.follow(client)
  local request = client.request
  client.request = function(self, method, params, ...)
    if method == "textDocument/codeAction" and params and params.range then
      local buffer = vim.uri_to_bufnr(params.textDocument.uri)
      local _, reported = found(client, buffer, params.range.start.line, params.range["end"].line)
      params = vim.deepcopy(params)
      local known = params.context.diagnostics
      for _, item in ipairs(reported) do
        local told = as_reported(item, client.offset_encoding)
        if not vim.iter(known):any(function(other) return vim.deep_equal(other, told) end) then table.insert(known, told) end
      end
    end
    return request(self, method, params, ...)
  end
end

-- Fixes what is reported on the line of the cursor; with `all` also what is like the first of it anywhere in the file.
function M.fix(client, all)
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local here, like_here = found(client, 0, line, line)
  if #here == 0 then
    vim.notify("Claude: nothing is reported on this line", vim.log.levels.INFO)
    return
  end
  local chosen = all and vim.tbl_filter(function(item) return alike(item, here[1]) end, like_here) or here
  require("claude_ls").run("claude.fix", {
    uri = vim.uri_from_bufnr(0),
    diagnostics = vim.tbl_map(function(item) return as_reported(item, client.offset_encoding) end, chosen),
  })
end

return M
