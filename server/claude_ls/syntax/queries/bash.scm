(function_definition name: (_) @function)
(program (variable_assignment name: (variable_name) @variable))
(program (declaration_command (variable_assignment name: (variable_name) @variable)))
(command name: (command_name (word) @import-by) (#any-of? @import-by "source" ".")) @import
