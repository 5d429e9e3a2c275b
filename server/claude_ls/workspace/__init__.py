"""Disk lives here and nowhere else."""
