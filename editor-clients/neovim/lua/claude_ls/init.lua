-- Asks claude-ls to do things, and asks the person for words where it needs some.
local M = {}

-- What can be done, and what else is asked of the server as a whole.
local actions = require("claude_ls.actions")
local whole = { cancel = "claude.cancel", undo = "claude.undo", redo = "claude.redo", review = "claude.review" }

-- What goes through Claude's changes, in a module of its own.
local review = { "accept", "reject", "next", "previous", "why", "hunks", "rewind" }

local function names()
  return vim.fn.sort(vim.list_extend(vim.list_extend(vim.tbl_keys(actions), vim.tbl_keys(whole)), review))
end

local function client_of(buffer)
  local client = vim.lsp.get_clients({ name = "claude_ls", bufnr = buffer })[1]
  if not client then
    vim.notify("claude-ls is not running for this buffer: see :checkhealth vim.lsp", vim.log.levels.ERROR)
  end
  return client
end

-- Runs a command of the server; `on_answer` gets the job or nothing.
function M.run(command, argument, buffer, on_answer)
  local client = client_of(buffer or 0)
  if not client then return end
  client:request("workspace/executeCommand", { command = command, arguments = { argument } }, function(err, result)
    if err then vim.notify("claude-ls: " .. err.message, vim.log.levels.ERROR) end
    if on_answer then on_answer(result) end
  end, buffer or 0)
end

-- Asks for an instruction, then edits. An empty answer and <Esc> do nothing.
function M.prompt_edit(argument, client_id)
  vim.ui.input({ prompt = "Claude, " }, function(words)
    if not words or words == "" then return end
    local client = vim.lsp.get_client_by_id(client_id)
    if client then
      local buffer = vim.uri_to_bufnr(argument.uri)
      M.run("claude.edit", vim.tbl_extend("force", argument, { instruction = words }), buffer)
    end
  end)
end

-- :Claude ACTION [WORDS], on the given lines or at the cursor.
function M.command(call)
  local name = call.fargs[1]
  if vim.tbl_contains(review, name) then
    if client_of(0) then require("claude_ls.review")[name](table.concat(vim.list_slice(call.fargs, 2), " ")) end
    return
  end
  if whole[name] then return M.run(whole[name], vim.empty_dict()) end
  local action = actions[name or ""]
  if not action then
    vim.notify("Claude: " .. table.concat(names(), ", "), vim.log.levels.WARN)
    return
  end
  local client = client_of(0)
  if not client then return end
  local range
  if call.range > 0 then
    range = { start = { line = call.line1 - 1, character = 0 }, ["end"] = { line = call.line2, character = 0 } }
  else
    range = vim.lsp.util.make_range_params(0, client.offset_encoding).range
  end
  local argument = { uri = vim.uri_from_bufnr(0), range = range }
  local words = table.concat(vim.list_slice(call.fargs, 2), " ")
  if name == "edit" and words == "" then return M.prompt_edit(argument, client.id) end
  if name == "fix" then return require("claude_ls.reported").fix(client, words == "all") end
  if action.words and words ~= "" then argument[action.words] = words end
  M.run(action.command, vim.tbl_extend("force", argument, action.arguments or {}))
end

function M.complete(lead, line)
  if select(2, line:gsub("%s+", " ")) > 1 then return {} end
  return vim.tbl_filter(function(name) return vim.startswith(name, lead) end, names())
end

return M
