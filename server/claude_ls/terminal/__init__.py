"""What claude-ls shows in a terminal instead of an editor."""
