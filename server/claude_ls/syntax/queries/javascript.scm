[(function_declaration name: (_) @function)
 (generator_function_declaration name: (_) @function)
 (class_declaration name: (_) @class)
 (method_definition name: (_) @method)
 (field_definition property: (_) @variable)]
(class_declaration (class_heritage (_) @base))
(program [(lexical_declaration (variable_declarator name: (identifier) @variable))
          (variable_declaration (variable_declarator name: (identifier) @variable))])
(export_statement (lexical_declaration (variable_declarator name: (identifier) @variable)))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @variable))))
[(import_statement) (export_statement source: (_))] @import
