-- Applies the edits of one action as one undo step: `claude/applyEdit`.

-- The buffer's change count after our last edit in it. Where it is another one now, somebody typed in between, and to
-- join the undo steps would take their typing back with ours.
local after = {}

-- An edit counts as made when it is reported. Neovim gathers its reports for some milliseconds, and an undo within them
-- would never be seen: so we report at once, where this version of Neovim lets us.
local has_tracking, tracking = pcall(require, "vim.lsp._changetracking")
local function report(client, buffer)
  if has_tracking and tracking.flush then pcall(tracking.flush, client, buffer) end
end

return function(_, params, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  if not client then return { applied = false, failureReason = "the client is gone" } end
  for _, change in ipairs(params.edit.documentChanges) do
    local buffer = vim.uri_to_bufnr(change.textDocument.uri)
    local version = change.textDocument.version
    -- Neovim's own handler would skip such an edit and still say that it made it.
    if type(version) == "number" and version < (vim.lsp.util.buf_versions[buffer] or 0) then
      return { applied = false, failureReason = "the document has changed" }
    end
    if not params.undoStopBefore and after[buffer] == vim.api.nvim_buf_get_changedtick(buffer) then
      vim.api.nvim_buf_call(buffer, function() pcall(vim.cmd.undojoin) end)
    end
    vim.lsp.util.apply_text_edits(change.edits, buffer, client.offset_encoding)
    after[buffer] = vim.api.nvim_buf_get_changedtick(buffer)
    report(client, buffer)
  end
  return { applied = true }
end
