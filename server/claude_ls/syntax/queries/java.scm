[(class_declaration name: (_) @class)
 (interface_declaration name: (_) @interface)
 (enum_declaration name: (_) @enum)
 (record_declaration name: (_) @record)
 (annotation_type_declaration name: (_) @annotation)
 (method_declaration name: (_) @method)
 (constructor_declaration name: (_) @constructor)
 (compact_constructor_declaration name: (_) @constructor)
 (field_declaration (variable_declarator name: (_) @variable))
 (enum_constant name: (_) @variable)]
(superclass (_) @base)
(super_interfaces (type_list (_) @base))
(extends_interfaces (type_list (_) @base))
(import_declaration) @import
