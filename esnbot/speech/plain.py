"""Parsed Markdown as plain text: what a client without HTML, a notification or a screen reader gets."""

from collections.abc import Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

_PILL = "https://matrix.to/#/@"


def plain_text(tokens: Sequence[Token]) -> str:
    """Links as `text (url)`, lists with dashes, headings as lines, code as it stands."""
    return "\n".join(_blocks(SyntaxTreeNode(tokens))).strip("\n")


def _blocks(node: SyntaxTreeNode, *, tight: bool = False) -> list[str]:
    lines: list[str] = []
    for child in node.children:
        block = _block(child)
        if lines and block and not tight:
            lines.append("")
        lines += block
    return lines


def _block(node: SyntaxTreeNode) -> list[str]:
    match node.type:
        case "paragraph" | "heading" | "summary":
            return "".join(_inline(child) for child in node.children).split("\n")
        case "inline":
            return _inline(node).split("\n")
        case "fence" | "code_block":
            return node.content.rstrip("\n").split("\n")
        case "hr":
            return ["---"]
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return [f"> {line}".rstrip() for line in _blocks(node)]
        case "details":
            return _blocks(node, tight=True)
        case "table":
            rows = [row for part in node.children for row in part.children]
            return [" | ".join("".join(map(_inline, cell.children)) for cell in row.children) for row in rows]
        case _:
            return _blocks(node)


def _list(node: SyntaxTreeNode) -> list[str]:
    lines: list[str] = []
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
    for number, item in enumerate(node.children, start=first):
        sign = f"{number}. " if node.type == "ordered_list" else "- "
        tight = all(child.hidden for child in item.children if child.type == "paragraph")
        for index, line in enumerate(_blocks(item, tight=tight) or [""]):
            lines.append(((sign if index == 0 else " " * len(sign)) + line).rstrip())
    return lines


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "html_inline":
            return node.content
        case "code_inline":
            return f"`{node.content}`"
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            return _with_address(node.content, str(node.attrs.get("src", "")))
        case "link":
            return _with_address("".join(map(_inline, node.children)), str(node.attrs.get("href", "")))
        case _:
            return "".join(map(_inline, node.children))


def _with_address(text: str, address: str) -> str:
    """A person's pill is the name alone; an address that is its own text is said once."""
    if address.startswith(_PILL) or not address:
        return text
    return f"{text} ({address})" if text and text != address else address
