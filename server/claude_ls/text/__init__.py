"""Text as a value: documents, positions, edits. Standard library only."""
