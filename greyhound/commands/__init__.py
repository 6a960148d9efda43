"""The commands, a module each (`models` has several), named as they are typed."""
