"""
What a token that does not fit may mean.

LALR stops at the first token that cannot go on; a person means something by
it. Each rule below recognises one such meaning, from the tokens around and from
what could have stood there, and the first that does gives the finding. A missing
mark is shown just after the token before, where it should be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lark import UnexpectedToken

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.parsing.declarations import MODALS
from congresslite.language.parsing.lexer import KEYWORDS, RESERVED, Token
from congresslite.language.parsing.terms import AGGREGATES


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A token that does not fit. `index` is its place among those of its statement; `token` is None at their end."""

    source: Source
    tokens: list[Token]
    index: int
    token: Token | None
    end: Token | None
    accepts: frozenset[str]
    start: str

    @staticmethod
    def of(source: Source, tokens: list[Token], end: Token | None, error: UnexpectedToken, start: str) -> Unexpected:
        """What lark stumbled on."""
        found = error.token
        index = next((place for place, token in enumerate(tokens) if token is found), len(tokens))
        token = tokens[index] if index < len(tokens) else None
        return Unexpected(source, tokens, index, token, end, frozenset(error.accepts), start)

    @property
    def before(self) -> Token | None:
        """The token before."""
        return self.tokens[self.index - 1] if self.index else None

    @property
    def after(self) -> Token | None:
        """The token after."""
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @property
    def kind(self) -> str:
        """The token's type; that of the end is `$END`."""
        return self.token.type if self.token else "$END"

    @property
    def place(self) -> Span:
        """The token's own place."""
        token = self.token or self.end
        return Span(self.source, token.start_pos, token.end_pos) if token else self.gap

    @property
    def gap(self) -> Span:
        """The place just after the token before."""
        offset = self.before.end_pos if self.before else (self.token or self.end or self.tokens[0]).start_pos
        return Span(self.source, offset, offset)

    @property
    def splits(self) -> bool:
        """Whether another statement begins here, so that a terminator was forgotten."""
        if self.start != "statement" or self.token is None or "$END" not in self.accepts:
            return False
        if self.kind not in ("NAME", "AT") or self.before is None:
            return False
        text = self.source.text
        if "\n" not in text[self.before.end_pos : self.token.start_pos]:
            return False
        return self.kind == "AT" or _indent(text, self.token) <= _indent(text, self.tokens[0])


def _indent(text: str, token: Token) -> int:
    return token.start_pos - (text.rfind("\n", 0, token.start_pos) + 1)


def explain(found: Unexpected) -> Diagnostic:
    """The finding for a token that does not fit."""
    return next(finding for rule in RULES if (finding := rule(found)) is not None)


def _missing_end(found: Unexpected) -> Diagnostic | None:
    if not found.splits:
        return None
    return Diagnostic("CL002", "statement without an end", found.gap, "end it with `.`")


def _modal_in_body(found: Unexpected) -> Diagnostic | None:
    before = found.before
    if found.kind != "LSQB" or before is None or before.value not in MODALS:
        return None
    span = Span(found.source, before.start_pos, before.end_pos)
    hint = "a modal stands in the head of a rule only"
    return Diagnostic("CL241", f"modal `{before.value}` outside a head", span, hint)


def _several_heads(found: Unexpected) -> Diagnostic | None:
    if found.kind != "COMMA" or "IF" not in found.accepts:
        return None
    return Diagnostic("CL029", "a rule with several heads", found.place, "write one rule for each head")


def _reserved(found: Unexpected) -> Diagnostic | None:
    """A reserved word where only a name can stand, or one used as a table."""
    token = found.token
    if found.before and found.before.type == "CONST" and found.kind == "LPAR":
        token = found.before
    elif token is None or token.value not in RESERVED or "NAME" not in found.accepts or token.type == "NOT":
        return None
    span = Span(found.source, token.start_pos, token.end_pos)
    return Diagnostic("CL027", f"`{token.value}` is a reserved word", span, f"choose another name, as `{token.value}_`")


def _no_head(found: Unexpected) -> Diagnostic | None:
    """Something at the beginning of a rule that is no atom, or something after one that makes it none."""
    if found.start != "statement" or found.kind in ("NAME", "$END", "IF"):
        return None
    begins = found.index == 0 or (found.tokens[0].type == "AT" and "AT" in found.accepts)
    continues = "IF" in found.accepts and found.kind in ("OP", "SIGN", "IN", "OR")
    if not (begins or continues):
        return None
    return Diagnostic("CL030", "a head that is no atom", found.place, "a head is one atom, as in `p(x) :- q(x).`")


def _empty(found: Unexpected) -> Diagnostic | None:
    """Nothing where a literal, a list or an alternative should stand."""
    before = found.before
    if before is None and found.kind == "$END":
        return Diagnostic("CL026", "an empty statement", found.place, "remove the terminator")
    if before is None and found.kind == "IF":
        return Diagnostic("CL030", "a rule without a head", found.place, "write `head :- body.`")
    if before is None:
        return None
    if before.type == "IF" and found.kind == "$END":
        return Diagnostic("CL026", "a rule without a body", found.gap, "write its body, or leave out `:-` for a fact")
    if before.type == "OR" and found.kind in ("$END", "RPAR", "COMMA"):
        return Diagnostic("CL026", "nothing after `or`", found.gap, "write the other alternative, or leave out `or`")
    names_something = found.after is None or found.after.type in ("RPAR", "COMMA", "OP")
    if before.type in ("IF", "COMMA", "LPAR") and found.kind == "OR" and not names_something:
        return Diagnostic("CL026", "nothing before `or`", found.place, "write the first alternative, or leave out `or`")
    if (before.type, found.kind) in (("LSQB", "RSQB"), ("LPAR", "RPAR")):
        span = Span(found.source, before.start_pos, found.place.end)
        return Diagnostic("CL026", "empty brackets", span, "write what they should hold")
    if before.type == "COMMA" and found.kind in ("$END", "RPAR", "RSQB", "IF", "COMMA", "ARROW"):
        span = Span(found.source, before.start_pos, before.end_pos)
        return Diagnostic("CL026", "nothing after a comma", span, "remove the comma, or write what it should separate")
    return None


def _call_as_value(found: Unexpected) -> Diagnostic | None:
    """`f(x)` where only a value can stand, after a comparison, say."""
    before = found.before
    if found.kind != "LPAR" or before is None or before.type != "NAME" or before.value not in AGGREGATES:
        return None
    span = Span(found.source, before.start_pos, before.end_pos)
    hint = "derive a table with the aggregate in its head, and use that table"
    return Diagnostic("CL014", f"aggregate `{before.value}` where none may stand", span, hint)


def _star(found: Unexpected) -> Diagnostic | None:
    """`count(*)`, as SQL has it."""
    before, after = found.before, found.after
    if found.token is None or found.token.value != "*" or before is None or after is None:
        return None
    if before.type != "LPAR" or after.type != "RPAR":
        return None
    hint = "write `count(x)` with a variable of the body"
    return Diagnostic("CL014", "an aggregate takes one value", found.place, hint)


def _word_operator(found: Unexpected) -> Diagnostic | None:
    """Words and marks that other languages use."""
    token, before = found.token, found.before
    if token is None or before is None:
        return None
    hint = _WORDS.get(token.value.lower())
    if token.type == "NAME" and hint is not None and found.accepts & {"COMMA", "IF"}:
        return Diagnostic("CL007", f"`{token.value}` is no operator of the language", found.place, hint)
    if token.type == "NOT" and found.after is not None and found.after.type == "IN":
        return Diagnostic("CL015", "`not` inside a literal", found.place, "write `not x in […]`")
    return None


_WORDS = {
    "and": "literals are joined by `,`",
    "or": "alternatives are joined by `or`",
    "is": "equality is written `=`",
    "eq": "equality is written `=`",
    "mod": "the remainder is written `%`",
    "div": "division is written `/`",
    "like": "use the builtin `matches`",
    "if": "a rule is written `head :- body.`",
}


def _second_rule(found: Unexpected) -> Diagnostic | None:
    if found.kind != "IF" or not any(token.type == "IF" for token in found.tokens[: found.index]):
        return None
    return Diagnostic("CL002", "a second `:-` in one statement", found.place, "end the rule before with `.`")


def _missing_comma(found: Unexpected) -> Diagnostic | None:
    if "COMMA" not in found.accepts or found.before is None:
        return None
    if found.kind not in ("NAME", "NUMBER", "STRING", "CONST", "LPAR", "NOT", "AT"):
        return None
    return Diagnostic("CL028", "a comma is missing", found.gap, "separate the two by `,`")


def _declaration(found: Unexpected) -> Diagnostic | None:
    first = found.tokens[0] if found.tokens else None
    if first is not None and first.type in _DECLARED:
        return Diagnostic("CL020", f"unexpected {_what(found)} in a declaration", found.place, _DECLARED[first.type])
    before = found.before
    if before is not None and before.value in KEYWORDS and first is not None and first.type == "AT":
        return Diagnostic(
            "CL021", "an annotation before a declaration", found.place, "annotations belong to rules only"
        )
    return None


_DECLARED = {
    "POLICY": 'write `policy name(key = "value").`',
    "TABLE": "write `table name(column: type, …).`",
    "INCOMPATIBLE": "write `incompatible action(x), other(x).`",
    "FUNCTIONAL": "write `functional table(key -> value).`",
}


def _annotation(found: Unexpected) -> Diagnostic | None:
    """`@` without a name or a value, or without a rule after it."""
    if not found.tokens or found.tokens[0].type != "AT" or "IF" in found.accepts:
        return None
    if any(token.type == "IF" for token in found.tokens[: found.index]):
        return None
    if found.kind == "$END" and "AT" in found.accepts:
        return Diagnostic(
            "CL021", "an annotation without a rule", found.place, "write it before its rule, without a terminator"
        )
    return Diagnostic("CL021", f"unexpected {_what(found)} in an annotation", found.place, 'write `@id("name")`')


def _generic(found: Unexpected) -> Diagnostic:
    before = found.before
    if found.kind == "$END":
        return Diagnostic("CL001", "a statement that breaks off", found.gap, f"write {_expected(found)}")
    after = f" after `{_short(before.value)}`" if before else ""
    return Diagnostic("CL001", f"unexpected {_what(found)}{after}", found.place, f"expected {_expected(found)}")


def _what(found: Unexpected) -> str:
    return f"`{_short(found.token.value)}`" if found.token else "end"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}…"


_NAMES = (
    ("NAME", "a name"),
    ("NUMBER", "a value"),
    ("IF", "`:-`"),
    ("COMMA", "`,`"),
    ("OP", "an operator"),
    ("LPAR", "`(`"),
    ("RPAR", "`)`"),
    ("LSQB", "`[`"),
    ("RSQB", "`]`"),
    ("ARROW", "`->`"),
    ("DOTS", "`..`"),
    ("$END", "the end of the statement"),
)


def _expected(found: Unexpected) -> str:
    """What could have stood there, the commonest first, no more than three."""
    names = [text for kind, text in _NAMES if kind in found.accepts][:3]
    return " or ".join(names) if names else "something else"


RULES: tuple[Callable[[Unexpected], Diagnostic | None], ...] = (
    _missing_end,
    _modal_in_body,
    _several_heads,
    _empty,
    _reserved,
    _no_head,
    _call_as_value,
    _star,
    _word_operator,
    _second_rule,
    _declaration,
    _annotation,
    _missing_comma,
    _generic,
)
