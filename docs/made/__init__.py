"""Reference pages, made from the code at each build and never written by hand."""
