"""The sections of the page, each from the content to HTML."""
