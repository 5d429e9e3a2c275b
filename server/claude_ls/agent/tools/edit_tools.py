"""The tools that change files: what each is called, takes and means. What they do is done by the live edit.

Our own tools rather than the vendor's text editor: only custom tools stream their input while Claude writes it.
"""

from __future__ import annotations

from claude_ls.agent.tools.tool import Tool

REWRITE_REGION = Tool(
    name="rewrite_region",
    description=(
        "Replace the region marked in the request. `new_text` takes the place of every line of the region, so it "
        "must hold the lines that stay as well as those that change. Keep the indentation the region has in the file. "
        "Write nothing but the text itself: no fences, no line numbers, no markers, no remarks."
    ),
    schema={
        "type": "object",
        "properties": {
            "new_text": {"type": "string", "description": "The whole lines that replace the region."},
        },
        "required": ["new_text"],
        "additionalProperties": False,
    },
    streams=True,
)

EDIT_FILE = Tool(
    name="edit_file",
    description=(
        "Change one or more places of a file of the workspace. Each edit replaces `old_text`, which must "
        "occur exactly once: copy whole lines exactly as they stand, with just enough of them to be unique. `line` is "
        "where you believe it starts, counted from 1. Give the edits in the order of the file; do not send again what "
        "was applied. Put all edits of one file into one call."
    ),
    schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file, as the request names it."},
            "edits": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "line": {"type": "integer", "description": "First line of old_text, counted from 1."},
                        "old_text": {"type": "string", "description": "Lines as they stand in the file now."},
                        "new_text": {"type": "string", "description": "The lines that replace them."},
                    },
                    "required": ["old_text", "new_text"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["path", "edits"],
        "additionalProperties": False,
    },
    streams=True,
)

WRITE_FILE = Tool(
    name="write_file",
    description=(
        "Make a new file, or write one anew from its first line to its last. For changes to a file that exists, "
        "edit_file is the better tool. The person is asked before a file is made."
    ),
    schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file, as seen from the folder of the workspace."},
            "content": {"type": "string", "description": "All of its text."},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    },
    streams=True,
)

RENAME_FILE = Tool(
    name="rename_file",
    description="Give a file another name or place. The person is asked first.",
    schema={
        "type": "object",
        "properties": {"old_path": {"type": "string"}, "new_path": {"type": "string"}},
        "required": ["old_path", "new_path"],
        "additionalProperties": False,
    },
)

DELETE_FILE = Tool(
    name="delete_file",
    description="Delete a file. The person is asked first.",
    schema={
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)

CANNOT_DO = Tool(
    name="cannot_do",
    description=(
        "Decline, with the reason in one or two sentences for the person. Use it when the request makes no sense for "
        "this code, or cannot be met with the tools at hand. Never write such remarks into the file."
    ),
    schema={
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
        "additionalProperties": False,
    },
)
