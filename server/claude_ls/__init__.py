"""Claude in every editor: a language server for edits, explanations and refactorings."""

__version__ = "0.1.0"
