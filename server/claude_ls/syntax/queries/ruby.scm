[(method name: (_) @method)
 (singleton_method name: (_) @method)
 (class name: (_) @class)
 (module name: (_) @module)]
(class superclass: (superclass (_) @base))
(assignment left: (constant) @variable)
(call method: (identifier) @import-by (#any-of? @import-by "require" "require_relative" "include" "extend")) @import
