(rule_set (selectors) @rule)
(keyframes_statement (keyframes_name) @rule)
