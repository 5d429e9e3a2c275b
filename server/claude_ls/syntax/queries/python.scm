(decorated_definition definition: (_) @wrapped) @wrapper
(function_definition name: (identifier) @function) @definition
(class_definition name: (identifier) @class) @definition
(class_definition superclasses: (argument_list [(identifier) (attribute) (subscript)] @base))
(module (expression_statement (assignment left: (identifier) @variable)) @definition)
(module (expression_statement (assignment left: (pattern_list (identifier) @variable))) @definition)
(module (type_alias_statement left: (type (identifier) @variable)) @definition)
(module [(if_statement (block (expression_statement (assignment left: (identifier) @variable)) @definition))
         (try_statement (block (expression_statement (assignment left: (identifier) @variable)) @definition))
         (with_statement (block (expression_statement (assignment left: (identifier) @variable)) @definition))
         (for_statement (block (expression_statement (assignment left: (identifier) @variable)) @definition))
         (while_statement (block (expression_statement (assignment left: (identifier) @variable)) @definition))])
(class_definition body: (block (expression_statement (assignment left: (identifier) @variable)) @definition))
[(import_statement) (import_from_statement)] @import
