"""What the workspace knows: definitions and references of all its files, and which of them matter for a place."""
