(function_definition name: (identifier) @function)
(class_definition name: (identifier) @class)
(class_definition superclasses: (argument_list [(identifier) (attribute) (subscript)] @base))
(module (expression_statement (assignment left: (identifier) @variable)))
(module (expression_statement (assignment left: (pattern_list (identifier) @variable))))
(module (type_alias_statement left: (type (identifier) @variable)))
(module (_ (block (expression_statement (assignment left: (identifier) @variable)))))
(class_definition body: (block (expression_statement (assignment left: (identifier) @variable))))
[(import_statement) (import_from_statement)] @import
