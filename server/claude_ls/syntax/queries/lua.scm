(function_declaration name: (_) @function)
(chunk (assignment_statement (variable_list name: (_) @variable)))
(chunk (variable_declaration (assignment_statement (variable_list name: (_) @variable))))
(variable_declaration (assignment_statement (expression_list
  value: (function_call name: (identifier) @import-by (#eq? @import-by "require"))))) @import
