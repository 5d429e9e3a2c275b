[(table . (_) @table) (table_array_element . (_) @table)]
(document (pair . (_) @entry))
