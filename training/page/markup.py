"""HTML and SVG elements as values: text is escaped, markup is not, and nothing else is known here."""

from collections.abc import Iterable
from html import escape


class Html(str):
    """Finished markup; any other string is text and is escaped on its way in."""

    __slots__ = ()


def element(tag: str, *children: "str | Html | Iterable[str | Html] | None", **attributes: object) -> Html:
    """Return an element.

    Attributes are escaped; ``cls`` is ``class``, an underscore is a hyphen, ``None`` and ``False`` leave the
    attribute out.
    """
    said = "".join(
        f' {"class" if name == "cls" else name.replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    inner = join(*children)
    return Html(f"<{tag}{said}>" if tag in _VOID else f"<{tag}{said}>{inner}</{tag}>")


def join(*children: "str | Html | Iterable[str | Html] | None") -> Html:
    """Return markup and escaped text one after the other."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(child, quote=False))
        elif child is not None:
            parts.extend(join(entry) for entry in child)
    return Html("".join(parts))


def breakable(name: str) -> Html:
    """Return a name that may go on in the next line after an underscore."""
    return Html("_<wbr>".join(escape(part, quote=False) for part in name.split("_")))


_VOID = frozenset({"br", "meta", "wbr", "hr"})


def _value(value: object) -> str:
    """Return an attribute's value: two decimals are a hundredth of a pixel or of a percent."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
