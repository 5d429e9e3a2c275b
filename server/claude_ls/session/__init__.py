"""The product without a protocol: plain data in, plain data out."""
