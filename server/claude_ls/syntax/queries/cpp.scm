(function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier)] @function))
(function_definition declarator: (function_declarator
  declarator: (qualified_identifier name: [(identifier) (destructor_name) (operator_name)] @function)))
(function_definition declarator: (_ (function_declarator declarator: [(identifier) (field_identifier)] @function)))
(function_definition declarator: (_ (function_declarator
  declarator: (qualified_identifier name: [(identifier) (operator_name)] @function))))
(field_declaration declarator: [(field_identifier) @variable
                                (function_declarator declarator: (field_identifier) @variable)])
(translation_unit (declaration declarator: (function_declarator declarator: (identifier) @variable)))
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @variable)))
[(class_specifier name: (_) @class body: (_))
 (struct_specifier name: (_) @struct body: (_))
 (union_specifier name: (_) @union body: (_))
 (enum_specifier name: (_) @enum body: (_))
 (namespace_definition name: (_) @namespace)
 (concept_definition name: (_) @concept)
 (alias_declaration name: (_) @type)]
(base_class_clause [(type_identifier) (qualified_identifier) (template_type)] @base)
(type_definition declarator: (type_identifier) @type)
[(preproc_def name: (_) @variable) (preproc_function_def name: (_) @macro)]
(enumerator name: (_) @variable)
[(preproc_include) (using_declaration)] @import
