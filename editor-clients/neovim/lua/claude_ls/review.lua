-- Goes through what Claude has changed: accept, reject, next, previous, all of it in the quickfix list, checkpoints.
local M = {}

local function run(...) return require("claude_ls").run(...) end

local function here()
  local client = vim.lsp.get_clients({ name = "claude_ls", bufnr = 0 })[1]
  local params = client and vim.lsp.util.make_position_params(0, client.offset_encoding)
  return params and { uri = params.textDocument.uri, position = params.position }
end

-- Shows the code lenses of all buffers anew; the server asks for it.
function M.refresh(client)
  for buffer in pairs(client.attached_buffers) do
    if vim.api.nvim_buf_is_loaded(buffer) then vim.lsp.codelens.refresh({ bufnr = buffer }) end
  end
end

-- Calls back with the change that the cursor is on, or with the next one below it.
local function with_hunk(callback)
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  run("claude.hunks", { uri = vim.uri_from_bufnr(0) }, 0, function(answer)
    for _, hunk in ipairs(answer and answer.hunks or {}) do
      if line <= math.max(hunk.range.start.line, hunk.range["end"].line - 1) then return callback(hunk) end
    end
    vim.notify("Claude: no change waits for review from here on in this file", vim.log.levels.INFO)
  end)
end

-- `what`: nothing for the change under the cursor, "file", or "all".
local function decide(command, what, reason)
  local argument = { reason = reason }
  if what == "all" then return run(command, next(argument) and argument or vim.empty_dict()) end
  if what == "file" then return run(command, vim.tbl_extend("force", argument, { uri = vim.uri_from_bufnr(0) })) end
  with_hunk(function(hunk) run(command, vim.tbl_extend("force", argument, { hunk = hunk.id })) end)
end

function M.accept(words) decide("claude.accept", words) end

-- Whatever follows that is neither "file" nor "all" is the reason, and Claude tries again.
function M.reject(words)
  local what = (words == "file" or words == "all") and words or nil
  decide("claude.reject", what, not what and words ~= "" and words or nil)
end

function M.next() run("claude.nextHunk", here()) end

function M.previous() run("claude.previousHunk", here()) end

function M.why()
  run("claude.why", vim.tbl_extend("force", here(), { show = true }), 0, function(answer)
    if answer and not answer.job then vim.notify("Claude did not write this line, as far as is known", vim.log.levels.INFO) end
  end)
end

-- Fills the quickfix list with all that waits for review.
function M.hunks()
  run("claude.hunks", vim.empty_dict(), 0, function(answer)
    local items = vim.tbl_map(function(hunk)
      return {
        filename = vim.uri_to_fname(hunk.uri),
        lnum = hunk.range.start.line + 1,
        end_lnum = math.max(hunk.range.start.line + 1, hunk.range["end"].line),
        text = hunk.title,
      }
    end, answer and answer.hunks or {})
    vim.fn.setqflist({}, " ", { title = "Claude: waiting for review", items = items })
    vim.cmd(#items > 0 and "copen" or "cclose")
  end)
end

-- An ISO time in UTC, as people here read it.
local function local_time(iso)
  local year, month, day, hour, min, sec = iso:match("(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  local as_if_here = os.time({ year = year, month = month, day = day, hour = hour, min = min, sec = sec })
  local now = os.time()
  return os.date("%Y-%m-%d %H:%M", as_if_here + os.difftime(now, os.time(os.date("!*t", now))))
end

-- Lets the person choose a checkpoint to go back to.
function M.rewind()
  run("claude.checkpoints", vim.empty_dict(), 0, function(answer)
    vim.ui.select(answer and answer.checkpoints or {}, {
      prompt = "Go back to before:",
      format_item = function(item)
        return ("%s  %s (%d file%s)"):format(local_time(item.time), item.title, item.files, item.files == 1 and "" or "s")
      end,
    }, function(item)
      if item then run("claude.rewind", { checkpoint = item.id }) end
    end)
  end)
end

return M
