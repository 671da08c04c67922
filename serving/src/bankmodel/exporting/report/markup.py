"""Elements of HTML and SVG as text, everything escaped that is not an element itself. Pure."""

from html import escape

__all__ = ["Markup", "element", "joined"]


_EMPTY = ("circle", "line", "meta", "rect")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, /, *inside: object, **attributes: object) -> Markup:
    """One element; an attribute's name may end in "_" and has "-" for "_", one that is None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}/>" if name in _EMPTY else f"<{name}{given}>{joined(*inside)}</{name}>")


def joined(*parts: object) -> Markup:
    """Parts side by side, text among them escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(str(part)) for part in parts))
