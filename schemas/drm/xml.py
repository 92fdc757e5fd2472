"""XML that comes from outside: no document type (so no entities), no network, UTF-8, bounded in size."""

from __future__ import annotations

from typing import Any

from lxml import etree


class XmlRefused(ValueError):
    """A document that is not read; the message is a sentence that names what is wrong, never its content."""


def parsed(raw: bytes, most_bytes: int) -> Any:
    """The root element; comments and processing instructions are left out. Raises XmlRefused."""
    if len(raw) > most_bytes:
        raise XmlRefused(f"The document has more than {most_bytes} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise XmlRefused("The document must be UTF-8.") from None
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise XmlRefused("The document must have no document type and no entities.")
    # Whatever encoding the document claims: what was looked through is what is parsed.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise XmlRefused("The body is no well-formed XML document.") from None
