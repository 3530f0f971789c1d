"""
Tokens: one regular expression cuts a text, one pass groups the tokens into statements.

A statement ends where its terminator stands, whatever is wrong inside it, so
that one mistake never hides the next. What is wrong with a token itself is
told here; a statement is marked unsound where parsing it would only tell the
same mistake once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.syntax import Comment

KEYWORDS = {"policy": "POLICY", "table": "TABLE", "incompatible": "INCOMPATIBLE", "functional": "FUNCTIONAL"}
RESERVED = {"true": "CONST", "false": "CONST", "null": "CONST", "in": "IN", "or": "OR", "not": "NOT", "NOT": "NOT"}

_TYPES = RESERVED | {
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    ",": "COMMA",
    ":-": "IF",
    "@": "AT",
    "->": "ARROW",
    "..": "DOTS",
    "!": "NOT",
    "+": "SIGN",
    "-": "SIGN",
}
_OPENING = {")": "(", "]": "["}

_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"
_STRING = (
    r"(?:\'\'\'(?:[^\\]|\\.)*?\'\'\'|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'(?!\'\')[^'\\\n]*(?:\\.[^'\\\n]*)*'|\"(?!\"\")[^\"\\\n]*(?:\\.[^\"\\\n]*)*\")+"
)
_NUMBER = (
    r"(?:(?:[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[1-9][0-9]*|0+)(?![A-Za-z0-9_]|\.[0-9])"
)
# Congress took the string prefixes of Python, and white space around the colons of a name.
_TOKEN = re.compile(
    r"\s*(?:"
    rf"(?P<STRING>[rRuUbB]{{0,2}}(?=['\"]){_STRING})"
    rf"|(?P<NAME>{_NAME}(?:\s*:\s*{_NAME})*)"
    r"|(?P<COMMENT>(?://|\#)[^\n]*|/\*.*?\*/)"
    r"|(?P<WRONG>===?|=>|=<|<>|<-(?![0-9.])|&&?|\|\|?|:=|\*\*)"
    r"|(?P<MARK>:-|->|\.\.|[()\[\],@]|!(?!=)|[+-])"
    r"|(?P<OP>!=|<=|>=|[=<>*%]|/(?!\*))"
    rf"|(?P<NUMBER>{_NUMBER})"
    r"|(?P<END>[.;](?=\s|\Z|//|/\*|\#))"
    r"|(?P<OPEN_STRING>[rRuUbB]{0,2}(?:'''|\"\"\"|['\"]))"
    r"|(?P<OPEN_COMMENT>/\*)"
    r"|(?P<BAD_NUMBER>\.?[0-9][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
    r"|(?P<LOOSE_END>[.;])"
    r"|(?P<BAD>[^\x00-\x7f]+|\S))",
    re.DOTALL | re.ASCII,
)
_LINE = re.compile(r"[^\n]*")
_WRONG_HINTS = {
    "==": "equality is written `=`",
    "===": "equality is written `=`",
    ":=": "equality is written `=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "<>": "write `!=`",
    "<-": "a rule is written `head :- body.`",
    "&": "literals are joined by `,`",
    "&&": "literals are joined by `,`",
    "|": "alternatives are joined by `or`",
    "||": "alternatives are joined by `or`",
    "**": "there is no power; multiply instead",
    ":": "a rule is written `head :- body.`",
}


class Token:
    """One token, with the attributes that lark reads; lines are counted only for what is told to a person."""

    __slots__ = ("end_pos", "start_pos", "type", "value")
    line = column = end_line = end_column = None

    def __init__(self, kind: str, value: str, start: int, end: int) -> None:
        self.type = kind
        self.value = value
        self.start_pos = start
        self.end_pos = end


@dataclass(slots=True)
class Chunk:
    """The tokens of one statement, without its terminator; `end` is the terminator, or None at the end of the text."""

    tokens: list[Token]
    end: Token | None = None
    sound: bool = True  # parsing it can tell more
    flawed: bool = False  # a token is not what was meant


@dataclass(slots=True)
class Lexed:
    """A text cut up."""

    chunks: list[Chunk] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)


def lex(source: Source, start: int = 0, end: int | None = None) -> Lexed:
    """Cut `source.text[start:end]` into statements; their places are those in the whole text."""
    return _Lexer(source).run(start, len(source.text) if end is None else end)


class _Lexer:
    """One pass over a text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.result = Lexed()
        self.chunk = Chunk([])
        self.brackets: list[Token] = []

    def run(self, start: int, end: int) -> Lexed:
        """Cut the text between two offsets."""
        text = self.source.text
        position = start + 1 if text.startswith("\ufeff", start) else start
        while match := _TOKEN.match(text, position, end):
            group = match.lastgroup
            assert group is not None
            first, position = match.span(group)
            value = match[group]
            if group == "NAME" or group == "MARK":  # noqa: PLR1714 - the commonest, and quick
                self._plain(Token(_TYPES.get(value, "NAME"), value, first, position))
            elif group in ("OP", "STRING", "NUMBER"):
                self.chunk.tokens.append(Token(group, value, first, position))
            elif group == "COMMENT":
                self.result.comments.append(Comment(value.rstrip(), self._span(first, first + len(value.rstrip()))))
            elif group == "END":
                self._finish(Token("END", value, first, position))
            else:
                position = self._mistake(group, Token(group, value, first, position), end)
        if self.chunk.tokens or not self.chunk.sound:
            self._finish(None)
        return self.result

    def _plain(self, token: Token) -> None:
        """Take a name or a mark; brackets are matched at once, since their mistakes show best there."""
        kind = token.type
        if kind == "NAME":
            if ":" in token.value:
                token.value = "".join(token.value.split())
                self._no_reserved(token)
        elif kind in ("LPAR", "LSQB"):
            self.brackets.append(token)
        elif kind in ("RPAR", "RSQB"):
            self._close(token)
        self.chunk.tokens.append(token)

    def _no_reserved(self, token: Token) -> None:
        """Neither part of a qualified name is a reserved word; a name alone is not a name then, and told of later."""
        word = next((part for part in token.value.split(":") if part in RESERVED), None)
        if word is not None:
            self.chunk.flawed = True
            hint = f"choose another name, as `{word}_`"
            self._problem("CL027", f"`{word}` is a reserved word", token.start_pos, token.end_pos, hint)

    def _close(self, token: Token) -> None:
        """Match a closing bracket with the innermost open one."""
        opening = _OPENING[token.value]
        if self.brackets and self.brackets[-1].value == opening:
            self.brackets.pop()
        elif self.chunk.sound:
            if self.brackets:
                wanted = ")" if self.brackets[-1].value == "(" else "]"
                message = f"`{token.value}` closes a bracket opened by `{self.brackets[-1].value}`"
                self._unsound("CL006", message, token, f"write `{wanted}` here")
            else:
                self._unsound("CL006", f"`{token.value}` closes nothing", token, f"remove it, or open a `{opening}`")

    def _finish(self, end: Token | None) -> None:
        """Close the statement at its terminator."""
        if self.brackets and self.chunk.sound:
            closing = ")" if self.brackets[-1].value == "(" else "]"
            token = self.brackets[-1]
            self._unsound(
                "CL006", f"`{token.value}` is never closed", token, f"add `{closing}` before the statement ends"
            )
        self.brackets.clear()
        self.chunk.end = end
        self.result.chunks.append(self.chunk)
        self.chunk = Chunk([])

    def _mistake(self, group: str, token: Token, end: int) -> int:
        """Tell what is wrong with a token; gives the offset to go on at."""
        match group:
            case "BAD_NUMBER":
                hint = "numbers are written 12, 1.5, 2e6, 0x1f, 0o17 or 0b101"
                self._problem("CL009", f"`{token.value}` is not a number", token.start_pos, token.end_pos, hint)
                self.chunk.tokens.append(Token("NUMBER", "0", token.start_pos, token.end_pos))
                self.chunk.flawed = True
            case "LOOSE_END":
                hint = f"write a space or a new line after `{token.value}`"
                message = f"no white space after `{token.value}`"
                self._problem("CL003", message, token.start_pos, token.end_pos, hint)
                self._finish(Token("END", token.value, token.start_pos, token.end_pos))
            case "OPEN_STRING":
                return self._open_string(token, end)
            case "OPEN_COMMENT":
                self._problem("CL005", "comment without an end", token.start_pos, token.end_pos, "close it with `*/`")
                return end
            case "WRONG":
                hint = _WRONG_HINTS[token.value]
                self._unsound("CL007", f"`{token.value}` is no operator of the language", token, hint)
            case _:
                self._unsound(
                    "CL007", f"unexpected character `{token.value}`", token, self._character_hint(token.value)
                )
        return token.end_pos

    def _open_string(self, token: Token, end: int) -> int:
        """Skip a string that has no end: up to the end of the line, or of the text if its quotes are triple."""
        quotes = token.value.lstrip("rRuUbB")
        if len(quotes) == 3:
            self._unsound("CL004", "string without an end", token, f"close it with `{quotes}`")
            return end
        line = _LINE.match(self.source.text, token.start_pos, end)
        assert line is not None
        stripped = line[0].rstrip()
        whole = Token("STRING", stripped, token.start_pos, token.start_pos + len(stripped))
        self._unsound("CL004", "string without an end", whole, f"close it with `{quotes}` on the same line")
        if stripped.endswith((".", ";")):
            self._finish(Token("END", stripped[-1], whole.end_pos - 1, whole.end_pos))
        return line.end()

    def _character_hint(self, value: str) -> str:
        if value in _WRONG_HINTS:
            return _WRONG_HINTS[value]
        if not value.isascii():
            return "outside strings and comments only ASCII is used: quote it, or write it otherwise"
        return "remove it, or put it in quotes"

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _problem(self, code: str, message: str, start: int, end: int, hint: str) -> None:
        self.result.problems.append(Diagnostic(code, message, self._span(start, end), hint))

    def _unsound(self, code: str, message: str, token: Token, hint: str) -> None:
        """Tell the first mistake that makes the statement unreadable; those after it would be its consequences."""
        if self.chunk.sound:
            self._problem(code, message, token.start_pos, token.end_pos, hint)
        self.chunk.sound = False
