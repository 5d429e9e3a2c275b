"""From the model's words to safe buffer edits: pure, without tasks, clocks or disk."""
