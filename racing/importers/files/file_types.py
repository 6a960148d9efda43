"""What a file is that is no CSV, by its first bytes, and what to do about it."""

_AS_CSV = "save it as CSV (in Excel: File > Save as > CSV UTF-8)"
_EXPORT = "export its table as CSV"
_MAGIC = (
    (b"%PDF", "a PDF document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file (.xls)", _AS_CSV),
    (b"PAR1", "a Parquet file", _EXPORT),
    (b"\x89PNG", "a picture (PNG)", "type its table into a CSV file"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "type its table into a CSV file"),
    (b"GIF8", "a picture (GIF)", "type its table into a CSV file"),
    (b"SQLite format 3", "an SQLite database", _EXPORT),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first, or pack it as .zip"),
    (b"Rar!", "a RAR archive", "unpack it first, or pack it as .zip"),
    (b"\xfd7zXZ", "an xz file", "unpack it first, or pack it as .gz"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it first, or pack it as .gz"),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"ARROW1", "an Arrow file", _EXPORT),
    (b"\x80\x04\x95", "a Python pickle", _EXPORT),
)
_OFFICE = (
    ("xl/", "an Excel workbook (.xlsx)", _AS_CSV),
    ("word/", "a Word document", _EXPORT),
    ("Index/Tables", "a Numbers spreadsheet", "export it as CSV (File > Export to > CSV)"),
)


def what_it_is(raw: bytes) -> str | None:
    """Return why these bytes are no CSV, and what to do; ``None`` if nothing says that they are not."""
    for magic, what, advice in _MAGIC:
        if raw.startswith(magic):
            return f"the file is {what}, not CSV: {advice}"
    return None


def what_text_is(text: str) -> str | None:
    """Return why a text is no CSV; ``None`` if its beginning does not say so."""
    start = text[:200].lstrip()
    if start.startswith("<"):
        return f"the file is HTML or XML, not CSV: it begins with {start.splitlines()[0][:40]!r}"
    if start.startswith(("{", "[")):
        return f"the file is JSON, not CSV: {_EXPORT}"
    return None


def what_zip_is(members: list[str], mimetype: bytes) -> str | None:
    """Return why a zip with these members is an office document; ``None`` if it is a plain zip."""
    if b"opendocument" in mimetype:
        return f"the file is an OpenDocument file (.ods), not CSV: {_AS_CSV}"
    for folder, what, advice in _OFFICE:
        if any(name.startswith(folder) for name in members):
            return f"the file is {what}, not CSV: {advice}"
    return None
