"""Reads pages as a person does: the text, the links, what a form sends."""

from __future__ import annotations

import html
import re

import httpx

_MAIN = re.compile(r"<main.*?</main>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


def words(answer: httpx.Response) -> str:
    """Return what a page (or a part of one) says, in one line."""
    found = _MAIN.search(answer.text)
    return " ".join(html.unescape(_TAG.sub(" ", found.group(0) if found else answer.text)).split())


def heading(answer: httpx.Response) -> str:
    """Return the page's first heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    return html.unescape(found.group(1)) if found else ""


def hidden(answer: httpx.Response, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found, f"no field {name}"
    return html.unescape(found.group(1))


def choices(answer: httpx.Response) -> list[str]:
    """Return the patients that can be chosen, in order."""
    return re.findall(r'type="radio" name="patient" value="([^"]+)"', answer.text)


def links(answer: httpx.Response) -> dict[str, str]:
    """Return the page's links, by their text."""
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', answer.text, re.DOTALL)
    return {" ".join(_TAG.sub(" ", text).split()): html.unescape(href) for href, text in found}
