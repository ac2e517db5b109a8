"""On which line each key of a TOML text stands.

tomllib gives the values and forgets where they were. This reads only the shape
of the text (TOML 1.0: keys, tables, where a value ends) and leaves the values
to tomllib, so it takes only texts that tomllib has accepted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys from the top of the file, with indexes into arrays: ("feeds", 0, "url")."""

_BLANKS = " \t\r"
_QUOTES = "\"'"
_KEY_ENDS = ".=]" + _BLANKS
_SCALAR_ENDS = ",]}#\n"


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The line (from 1) of every table, key and array element of a valid TOML text.

    A table is where its header first names it.
    """
    return _Reader(text).read()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of `path`; if it is not there, of the table it belongs in; 0 if there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.tables_in: dict[KeyPath, int] = {}
        """How many tables each array of tables has so far."""

    def read(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        while self.skip():
            if self.peek() == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.lines

    # --- the statements ------------------------------------------------------------------------

    def header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`: the path of the table it opens."""
        line = self.line
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.step(brackets)
        *parents, name = self.key()
        self.step(brackets)
        path: KeyPath = ()
        for part in parents:
            path = self.latest((*path, part), line)
        path = (*path, name)
        if brackets == 1:
            self.lines.setdefault(path, line)
            return path
        index = self.tables_in.get(path, 0)
        self.tables_in[path] = index + 1
        self.lines.setdefault(path, line)
        self.lines[(*path, index)] = line
        return (*path, index)

    def latest(self, path: KeyPath, line: int) -> KeyPath:
        """Below an array of tables a header means the array's last table."""
        self.lines.setdefault(path, line)
        count = self.tables_in.get(path, 0)
        return (*path, count - 1) if count else path

    def pair(self, table: KeyPath) -> None:
        """`a.b = value`"""
        line = self.line
        path = table
        for part in self.key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.step()  # the equals sign
        self.value(path)

    def key(self) -> list[str]:
        """A dotted key, up to the `=` or `]` after it."""
        parts: list[str] = []
        while True:
            self.blanks()
            parts.append(self.key_part())
            self.blanks()
            if self.peek() != ".":
                return parts
            self.step()

    def key_part(self) -> str:
        start = self.at
        if self.peek() in _QUOTES:
            self.string()
            quoted = self.text[start : self.at]
            return str(tomllib.loads(f"key = {quoted}")["key"]) if "\\" in quoted else quoted[1:-1]
        while self.peek() not in _KEY_ENDS:
            self.step()
        return self.text[start : self.at]

    # --- the values ----------------------------------------------------------------------------

    def value(self, path: KeyPath) -> None:
        self.blanks()
        match self.peek():
            case "[":
                self.array(path)
            case "{":
                self.inline_table(path)
            case '"' | "'":
                self.string()
            case _:
                while self.peek() and self.peek() not in _SCALAR_ENDS:
                    self.step()

    def array(self, path: KeyPath) -> None:
        self.step()
        index = 0
        while self.skip() and self.peek() != "]":
            if self.peek() == ",":
                self.step()
                continue
            self.lines[(*path, index)] = self.line
            self.value((*path, index))
            index += 1
        self.step()

    def inline_table(self, path: KeyPath) -> None:
        self.step()
        while self.skip() and self.peek() != "}":
            if self.peek() == ",":
                self.step()
                continue
            self.pair(path)
        self.step()

    def string(self) -> None:
        """Past a string of any of the four kinds."""
        quote = self.peek()
        long = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if long else quote
        self.step(len(end))
        while not self.text.startswith(end, self.at):
            self.step(2 if quote == '"' and self.peek() == "\\" else 1)
        self.step(len(end))
        while long and self.peek() == quote:  # up to two quotes may stand before the closing three
            self.step()

    # --- moving --------------------------------------------------------------------------------

    def peek(self) -> str:
        """The character here; empty at the end."""
        return self.text[self.at : self.at + 1]

    def step(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def blanks(self) -> None:
        while self.peek() and self.peek() in _BLANKS:
            self.step()

    def skip(self) -> bool:
        """Past blanks, line ends and comments; whether anything is left."""
        while self.peek() and self.peek() in _BLANKS + "\n#":
            if self.peek() == "#":
                end = self.text.find("\n", self.at)
                self.step((end if end >= 0 else len(self.text)) - self.at)
            else:
                self.step()
        return self.at < len(self.text)
