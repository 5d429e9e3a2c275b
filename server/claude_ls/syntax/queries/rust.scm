[(function_item name: (_) @function)
 (function_signature_item name: (_) @function)
 (struct_item name: (_) @struct)
 (enum_item name: (_) @enum)
 (union_item name: (_) @union)
 (trait_item name: (_) @trait)
 (impl_item type: (_) @implementation)
 (mod_item name: (_) @module body: (_))
 (macro_definition name: (_) @macro)
 (type_item name: (_) @type)
 (const_item name: (_) @variable)
 (static_item name: (_) @variable)]
(impl_item trait: (_) @base)
(use_declaration) @import
