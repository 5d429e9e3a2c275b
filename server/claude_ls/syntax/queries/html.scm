(script_element (raw_text) @script)
(element (start_tag (attribute (attribute_name) @id-name (quoted_attribute_value (attribute_value) @element))
  (#eq? @id-name "id")))
