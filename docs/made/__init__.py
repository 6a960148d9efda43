"""Reference pages, made from the code and never written by hand."""
