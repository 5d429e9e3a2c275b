[(atx_heading (inline) @section) (setext_heading (paragraph (inline) @section))]
