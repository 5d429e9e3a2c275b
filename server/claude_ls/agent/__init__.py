"""The conversation with Claude: requests, streams, tools, the loop."""
