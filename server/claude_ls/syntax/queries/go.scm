[(function_declaration name: (_) @function)
 (method_declaration name: (_) @method)
 (type_spec name: (_) @type)
 (type_alias name: (_) @type)]
(interface_type (method_elem name: (_) @method))
(source_file [(const_declaration (const_spec name: (identifier) @variable))
              (var_declaration (var_spec name: (identifier) @variable))
              (var_declaration (var_spec_list (var_spec name: (identifier) @variable)))])
(import_spec) @import
