"""Reading a page as a test needs it: its text, its forms, what it loads."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


class Page(HTMLParser):
    """A parsed page.

    Attributes:
        text: everything a person would read.
        tags: every start tag with its attributes.
        marked: the text inside each ``mark``, without what only screen readers hear.
        said: the text of each marked answer, likewise.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.marked: list[str] = []
        self.said: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and what it begins."""
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag in VOID:
            return
        self._open.append((tag, found.get("class", "")))
        if tag == "mark":
            self.marked.append("")
        if found.get("class") == "said":
            self.said.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave the tag."""
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note the text where it stands."""
        self.text += data
        if any("unseen" in kind for _, kind in self._open):
            return
        if any(tag == "mark" for tag, _ in self._open) and self.marked:
            self.marked[-1] += data
        if any(kind == "said" for _, kind in self._open):
            self.said[-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self) -> set[str]:
        """Every id."""
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}


def read(response: httpx.Response) -> Page:
    """A page that came back as HTML."""
    assert response.headers["content-type"].startswith("text/html"), response.text[:300]
    return Page(response.text)
