"""What the case files run on: a reader, in-memory editors, and the run itself."""
