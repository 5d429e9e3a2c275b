"""The suites that a fake and the real thing both obey."""
