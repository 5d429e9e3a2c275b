-- What :Claude can be followed by to have something done. Generated from the table of actions: `make docs`.
return {
  fix = { command = "claude.fix" },
  edit = { command = "claude.edit", words = "instruction" },
  explain = { command = "claude.explain", words = "question" },
  extract = { command = "claude.refactor", arguments = { refactoring = "extract" }, words = "instruction" },
  inline = { command = "claude.refactor", arguments = { refactoring = "inline" }, words = "instruction" },
  simplify = { command = "claude.refactor", arguments = { refactoring = "simplify" }, words = "instruction" },
  types = { command = "claude.refactor", arguments = { refactoring = "types" }, words = "instruction" },
  document = { command = "claude.refactor", arguments = { refactoring = "document" }, words = "instruction" },
  modernize = { command = "claude.refactor", arguments = { refactoring = "modernize" }, words = "instruction" },
  errors = { command = "claude.refactor", arguments = { refactoring = "errors" }, words = "instruction" },
  split = { command = "claude.refactor", arguments = { refactoring = "split" }, words = "instruction" },
  rename = { command = "claude.refactor", arguments = { refactoring = "rename" }, words = "instruction" },
  move = { command = "claude.refactor", arguments = { refactoring = "move" }, words = "instruction" },
  test = { command = "claude.test" },
}
