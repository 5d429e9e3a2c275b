[(class_declaration name: (_) @class)
 (interface_declaration name: (_) @interface)
 (struct_declaration name: (_) @struct)
 (record_declaration name: (_) @record)
 (enum_declaration name: (_) @enum)
 (delegate_declaration name: (_) @delegate)
 (namespace_declaration name: (_) @namespace)
 (method_declaration name: (_) @method)
 (constructor_declaration name: (_) @constructor)
 (property_declaration name: (_) @property)
 (enum_member_declaration name: (_) @variable)]
(field_declaration (variable_declaration (variable_declarator name: (_) @variable)))
(base_list (_) @base)
(using_directive) @import
