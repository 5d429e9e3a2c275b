"""The language server protocol lives here and nowhere else."""
