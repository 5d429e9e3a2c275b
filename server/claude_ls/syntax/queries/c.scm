(function_definition declarator: (function_declarator declarator: (identifier) @function))
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @function)))
(translation_unit (declaration declarator: (function_declarator declarator: (identifier) @variable)))
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @variable)))
[(struct_specifier name: (_) @struct body: (_))
 (union_specifier name: (_) @union body: (_))
 (enum_specifier name: (_) @enum body: (_))]
(type_definition declarator: (type_identifier) @type)
[(preproc_def name: (_) @variable) (preproc_function_def name: (_) @macro)]
(enumerator name: (_) @variable)
(preproc_include) @import
