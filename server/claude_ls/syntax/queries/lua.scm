(function_declaration name: [(identifier) @function
                             (dot_index_expression field: (identifier) @function)
                             (method_index_expression method: (identifier) @method)])
(chunk (assignment_statement (variable_list name: (_) @variable)))
(chunk (variable_declaration (assignment_statement (variable_list name: (_) @variable))))
(variable_declaration (assignment_statement (expression_list .
  value: [(function_call name: (identifier) @import-by)
          (dot_index_expression table: (function_call name: (identifier) @import-by))]
  (#eq? @import-by "require")))) @import
