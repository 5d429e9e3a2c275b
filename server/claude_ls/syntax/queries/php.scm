[(function_definition name: (_) @function)
 (method_declaration name: (_) @method)
 (class_declaration name: (_) @class)
 (interface_declaration name: (_) @interface)
 (trait_declaration name: (_) @trait)
 (enum_declaration name: (_) @enum)
 (const_element (name) @variable)
 (property_element name: (variable_name (name) @variable))]
(base_clause (_) @base)
(class_interface_clause (_) @base)
(namespace_use_declaration) @import
