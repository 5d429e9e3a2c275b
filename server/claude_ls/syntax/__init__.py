"""Tree-sitter lives here and nowhere else."""
