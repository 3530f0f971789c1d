"""What is told about texts that are not right: the code, the place and the hint, written by hand for each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import Source, render
from congresslite.diagnostics.codes import CODES
from congresslite.language.format import format_policy
from congresslite.language.parser import parse_policy, parse_query, parse_yaml_policy
from tests.examples import few

# name: (text, code, underlined text, part of the hint). An empty underlined text is a place between two characters.
ONE_MISTAKE = {
    # CL001: a token that does not fit
    "two heads joined by arrows": ("p(x) -> q(x).", "CL001", "->", "`:-`"),
    "a colon in a variable": ("p(x) :- q(x), x = a:b.", "CL011", "a:b", "arguments"),
    "a range in a body": ("p(x) :- q(x), x = 1..5.", "CL001", "..", "`,`"),
    "a body that breaks off": ("p(x) :- q(x), x <.", "CL001", "", "a value"),
    "a variable with a sign": ("p(x) :- q(y), x = -y.", "CL001", "-", "0 - x"),
    "a number with a plus": ("p(x) :- q(x), x > +5.", "CL001", "+", "leave it out"),
    "two numbers": ("p(x) :- q(x), x > -5 -.", "CL001", "", "a value"),
    "a list as a value": ("p(x) :- q(x), x = [1, 2].", "CL001", "[", "a name"),
    "brackets for parentheses": ("p[x] :- q(x).", "CL019", "p", "`execute[…]`"),
    "an at sign in a body": ("p(x) :- q(x), @r(x).", "CL001", "@", "a name"),
    "a name after a name": ("p q(x).", "CL001", "q", "`:-`"),
    "an unfinished annotation": ('@id("a"', "CL006", "(", "`)`"),
    # CL002: a statement without an end
    "no end of the text": ("p(1)", "CL002", "", "`.`"),
    "no end before a comment": ("p(1) // last\n", "CL002", "", "`.`"),
    "no end between facts": ("p(1)\np(2).", "CL002", "", "`.`"),
    "no end between rules": ("p(x) :- q(x)\nr(x) :- s(x).", "CL002", "", "`.`"),
    "no end before an annotation": ('p(x) :- q(x)\n@id("a") r(x) :- s(x).', "CL002", "", "`.`"),
    "no end after a declaration": ("policy a\np(1).", "CL002", "", "`.`"),
    "no end in one line": ("p(x) :- q(x), r(x) :- s(x).", "CL002", ":-", "`.`"),
    "no end of an indented rule": ("p(x) :-\n    q(x)\nr(1).", "CL002", "", "`.`"),
    # CL003: no white space after the end of a statement
    "a fact after a dot": ("p(1).q(2).", "CL003", ".", "space"),
    "a fact after a semicolon": ("p(1);q(2);", "CL003", ";", "new line"),
    "a rule after a dot": ("p(x) :- q(x).r(x) :- s(x).", "CL003", ".", "space"),
    # CL004: a string without an end
    "an open string": ('p("abc).', "CL004", '"abc).', '`"`'),
    "an open string with single quotes": ("p('abc).\n", "CL004", "'abc).", "`'`"),
    "a string over two lines": ('p("abc\ndef").', "CL004", '"abc', "same line"),
    "an open triple string": ('p("""abc).\nq(1).', "CL004", '"""', '`"""`'),
    "an open triple string with single quotes": ("p('''abc).\nq(1).", "CL004", "'''", "`'''`"),
    "an escaped closing quote": (r'p("abc\").', "CL004", r'"abc\").', '`"`'),
    # CL005: a comment without an end
    "an open comment": ("p(1). /* the rest", "CL005", "/*", "`*/`"),
    "an open comment alone": ("/*", "CL005", "/*", "`*/`"),
    # CL006: brackets
    "an open parenthesis in a head": ("p(x :- q(x).", "CL006", "(", "`)`"),
    "an open parenthesis in a body": ("p(x) :- q(x, r(x).", "CL006", "(", "`)`"),
    "an open bracket": ("p(x) :- q(x), x in [1, 2.", "CL006", "[", "`]`"),
    "an open group": ("p(x) :- (q(x), r(x).", "CL006", "(", "`)`"),
    "a parenthesis too many": ("p(x)) :- q(x).", "CL006", ")", "remove"),
    "a bracket too many": ("p(x) :- q(x)].", "CL006", "]", "remove"),
    "a parenthesis for a bracket": ("p(x) :- x in [1, 2).", "CL006", ")", "`]`"),
    "a bracket for a parenthesis": ("p(x] :- q(x).", "CL006", "]", "`)`"),
    "an open parenthesis at the end": ("p(", "CL006", "(", "`)`"),
    # CL007: characters and operators of others
    "two equal signs": ("p(x) :- q(x), x == 1.", "CL007", "==", "`=`"),
    "angle brackets": ("p(x) :- q(x), x <> 1.", "CL007", "<>", "`!=`"),
    "an arrow for at least": ("p(x) :- q(x), x => 1.", "CL007", "=>", "`>=`"),
    "an arrow for at most": ("p(x) :- q(x), x =< 1.", "CL007", "=<", "`<=`"),
    "an arrow to the left": ("p(x) <- q(x).", "CL007", "<-", "`head :- body.`"),
    "two ampersands": ("p(x) :- q(x) && r(x).", "CL007", "&&", "`,`"),
    "two bars": ("p(x) :- q(x) || r(x).", "CL007", "||", "`or`"),
    "a bar": ("p(x) :- q(x) | r(x).", "CL007", "|", "`or`"),
    "a colon": ("p(x) : q(x).", "CL007", ":", "`head :- body.`"),
    "an assignment": ("p(x) :- q(y), x := y + 1.", "CL007", ":=", "`=`"),
    "a power": ("p(x) :- q(y), x = y ** 2.", "CL007", "**", "multiply"),
    "a dollar": ("p($x) :- q($x).", "CL007", "$", "quotes"),
    "braces": ("p(x) :- {q(x)}.", "CL007", "{", "quotes"),
    "a letter beyond ASCII": ("größe(x) :- q(x).", "CL007", "öß", "ASCII"),
    "a typographic quote": ("p(“a”).", "CL007", "“", "ASCII"),
    "a no-break space": ("p(x) :-\u00a0q(x).", "CL007", "\u00a0", "ASCII"),
    "a question mark": ("p(?x) :- q(?x).", "CL007", "?", "quotes"),
    "the word and": ("p(x) :- q(x) and r(x).", "CL007", "and", "`,`"),
    "the word OR": ("p(x) :- (q(x)) OR (r(x)).", "CL007", "OR", "`or`"),
    "the word is": ("p(x) :- q(y), x is y.", "CL007", "is", "`=`"),
    "the word if": ("p(x) if q(x).", "CL007", "if", "`head :- body.`"),
    # CL008: escapes
    "a short escape": (r'p("a\x1").', "CL008", r"\x", "backslash"),
    "an escape of no character": (r'p("\N{no such name}").', "CL008", r"\N{no such name}", "backslash"),
    "half a surrogate pair": (r'p("ab\ud83d").', "CL008", r"\ud83d", "backslash"),
    "an escape beyond Unicode": (r"p('\U00110000').", "CL008", r"\U00110000", "backslash"),
    "a short escape in a later piece": (r'p("a""b\u12").', "CL008", r"\u", "backslash"),
    # CL009: malformed numbers
    "letters after digits": ("p(12abc).", "CL009", "12abc", "0x1f"),
    "a leading zero": ("p(017).", "CL009", "017", "0o17"),
    "no digits after the prefix": ("p(0x).", "CL009", "0x", "0x1f"),
    "two dots": ("p(1.2.3).", "CL009", "1.2.3", "1.5"),
    "an exponent without digits": ("p(1e).", "CL009", "1e", "2e6"),
    "an underscore": ("p(1_000).", "CL009", "1_000", "12"),
    # CL010: numbers that are too big
    "more than 64 bits": ("p(9223372036854775808).", "CL010", "9223372036854775808", "9223372036854775807"),
    "less than 64 bits": ("p(-9223372036854775809).", "CL010", "-9223372036854775809", "-9223372036854775808"),
    "an infinite float": ("p(1e999).", "CL010", "1e999", "1.8e308"),
    "hexadecimal beyond 64 bits": ("p(0xffffffffffffffff).", "CL010", "0xffffffffffffffff", "integers"),
    "five thousand digits": (f"p({'9' * 5000}).", "CL010", "9" * 5000, "integers"),
    # CL011: no value
    "a function": ("p(x) :- q(y), r(f(y), x).", "CL011", "f(y)", "`f(…, x)`"),
    "a function in a sum": ("p(x) :- q(y), x = len(y) + 1.", "CL011", "len(y)", "`len(…, x)`"),
    "a comparison in an atom": ("p(x) :- q(x > 1).", "CL011", "x > 1", "body"),
    "a comparison in a named argument": ("p(x) :- q(a = x > 1).", "CL011", "a = x > 1", "body"),
    "a group as a value": ("p(x) :- x = (q(x), r(x)).", "CL011", "(q(x), r(x))", "values"),
    "a comparison as a value": ("p(x) :- q(x), (x > 1) = true.", "CL011", "(x > 1)", "values"),
    # CL012: no literal
    "a constant in a body": ("p(x) :- q(x), true.", "CL012", "true", "compare"),
    "a sum in a body": ("p(x) :- q(x), x + 1.", "CL012", "x + 1", "compare"),
    "a blank in a body": ("p(x) :- q(x), _.", "CL012", "_", "compare"),
    "an effect in a body": ("p(x) :- q+(x).", "CL012", "q+(x)", "head"),
    "a string in a branch": ('p(x) :- q(x), (x = 1) or ("a").', "CL012", '("a")', "compare"),
    # CL013: two comparisons
    "a chain of comparisons": ("p(x) :- q(x), 1 < x < 5.", "CL013", "<", "`,`"),
    "an operator after a list": ("p(x) :- q(x), x in [1] + 2.", "CL013", "+", "list"),
    "in twice": ("p(x) :- q(x), x in [1] in [2].", "CL013", "in", "`,`"),
    # CL014: aggregates
    "an aggregate in a body": ("p(x) :- q(x, sum(y)).", "CL014", "sum(y)", "head"),
    "an aggregate in a comparison": ("p(x) :- q(x), x > max(y).", "CL014", "max(y)", "head"),
    "an aggregate under a sum": ("p(x, sum(y) + 1) :- q(x, y).", "CL014", "sum(y)", "head"),
    "an aggregate in a fact": ("p(count(x)).", "CL014", "count(x)", "head"),
    "an aggregate of nothing": ("p(x, count()) :- q(x).", "CL014", "count()", "`count(x)`"),
    "an aggregate of two": ("p(sum(x, y)) :- q(x, y).", "CL014", "sum(x, y)", "`sum(x)`"),
    "a star": ("p(count(*)) :- q(x).", "CL014", "*", "`count(x)`"),
    "an aggregate in a modal": ("execute[a(sum(x))] :- q(x).", "CL014", "sum(x)", "head"),
    # CL015: negation
    "not twice": ("p(x) :- q(x), not not r(x).", "CL015", "not not r(x)", "both"),
    "not before a group": ("p(x) :- q(x), not (r(x), s(x)).", "CL015", "not (r(x), s(x))", "rule of its own"),
    "not before a disjunction": ("p(x) :- q(x), not ((r(x)) or (s(x))).", "CL015", "not ((r(x)) or (s(x)))", "rule"),
    "not before a negation": ("p(x) :- q(x), !(!r(x)).", "CL015", "!(!r(x))", "both"),
    "not before in": ("p(x) :- q(x), x not in [1].", "CL015", "not", "`not x in […]`"),
    # CL016: lists
    "a variable in a list": ("p(x) :- q(x, y), x in [1, y].", "CL016", "y", "quotes"),
    "a sum in a list": ("p(x) :- q(x), x in [1 + 1].", "CL016", "1 + 1", "quotes"),
    # CL017, CL018: arguments
    "a place after a column": ("p(x) :- q(a=x, y).", "CL017", "y", "first"),
    "a string for a column": ('p(x) :- q("a"=x).', "CL018", '"a"', "number"),
    "a blank for a column": ("p(x) :- q(_=x).", "CL018", "_", "name"),
    "a negative column": ("p(x) :- q(-1=x).", "CL018", "-1", "number"),
    # CL019: modals
    "an unknown modal": ("insert[p(x)] :- q(x).", "CL019", "insert", "`execute[…]`"),
    "a misspelt modal": ("exceute[p(x)] :- q(x).", "CL019", "exceute", "did you mean `execute`?"),
    "a modal in a body": ("p(x) :- execute[q(x)].", "CL241", "execute", "head"),
    # CL020: declarations
    "a policy without commas": ('policy a(tier = "global" mode = "warn").', "CL020", "mode", "policy name("),
    "a policy with a word": ("policy a(mode = warn).", "CL020", "warn", '`mode = "warn"`'),
    "a policy with a place": ('policy a("warn").', "CL020", '"warn"', "`key = value`"),
    "a policy with a sum": ("policy a(priority = 1 + 1).", "CL020", "priority = 1 + 1", "`key = value`"),
    "a policy with a qualifier": ("policy a:b.", "CL020", "a:b", "`b`"),
    "a table without columns": ("table a.", "CL020", ".", "table name("),
    "a table of another policy": ("table a:b(x: int).", "CL020", "a:b", "`b`"),
    "a column with a word": ("table a(x: int unique).", "CL020", "unique", "`key`"),
    "a key twice": ("table a(x: int key key).", "CL020", "key", "`key`"),
    "a reference without a column": ("table a(x: int -> b).", "CL020", "b", "source:table.column"),
    "two references": ("table a(x: int -> b.c -> d.e).", "CL020", "d.e", "one of them"),
    "one incompatible": ("incompatible a(v).", "CL020", ".", "incompatible action"),
    "a functional without an arrow": ("functional a(x, y).", "CL020", ")", "functional table("),
    "a functional with a constant": ("functional a(x -> 1).", "CL020", "1", "names only"),
    # CL021: annotations
    "an annotation without a value": ("@overridden p(x) :- q(x).", "CL021", "p", "`@id("),
    "an annotation with two values": ('@id("a", "b") p(x) :- q(x).', "CL021", '@id("a", "b")', '`@id("…")`'),
    "an annotation with a column": ('@id(x="a") p(x) :- q(x).', "CL021", '@id(x="a")', '`@id("…")`'),
    "an annotation without a rule": ('@id("a").', "CL021", ".", "before its rule"),
    "an annotation without a name": ("@ p(x) :- q(x).", "CL021", ":-", "`@id("),
    "an annotation before a declaration": ('@id("a") table p(x: int).', "CL021", "p", "rules only"),
    # CL022, CL023: columns
    "a column without a type": ("table a(x).", "CL022", "x", "`x: any`"),
    "a type of others": ("table a(x: string).", "CL022", "string", "`str`"),
    "a misspelt type": ("table a(x: flot).", "CL022", "flot", "`float`"),
    "an unknown type": ("table a(x: uuid).", "CL022", "uuid", "`any`"),
    "an empty range": ("table a(x: int in 5..1).", "CL023", "5..1", "`1..5`"),
    "a range of strings": ('table a(x: str in "a".."b").', "CL023", '"a"', "in ["),
    "two domains": ("table a(x: int in 0..1 in [0]).", "CL023", "[0]", "one of them"),
    # CL025: nesting
    "a deep sum": (f"p(x) :- q(x), x = {'1 + ' * 200}1.", "CL025", None, "split"),
    "a deep disjunction": (f"p(x) :- {'(' * 150}q(x){') or (q(x))' * 150}.", "CL025", None, "split"),
    # CL026: nothing
    "an empty body": ("p(x) :- .", "CL026", "", "leave out `:-`"),
    "a lone terminator": ("p(1). .", "CL026", ".", "terminator"),
    "a comma at the end": ("p(x) :- q(x), .", "CL026", ",", "comma"),
    "a comma too many": ("p(x) :- q(x),, r(x).", "CL026", ",", "comma"),
    "a comma before a parenthesis": ("p(x,) :- q(x).", "CL026", ",", "comma"),
    "a comma before a bracket": ("p(x) :- q(x), x in [1,].", "CL026", ",", "comma"),
    "an empty list": ("p(x) :- q(x), x in [].", "CL026", "[]", "hold"),
    "an empty group": ("p(x) :- q(x), () or (r(x)).", "CL026", "()", "hold"),
    "nothing after or": ("p(x) :- (q(x)) or .", "CL026", "", "alternative"),
    "nothing before or": ("p(x) :- or (q(x)).", "CL026", "or", "alternative"),
    "a modal without an action": ("execute[] :- q(x).", "CL026", "[]", "hold"),
    # CL027: reserved words
    "a reserved head": ("null(x) :- q(x).", "CL027", "null", "`null_`"),
    "a reserved table": ("p(x) :- or(x).", "CL026", "or", "alternative"),
    "a reserved column": ("p(x) :- q(in=x).", "CL027", "in", "`in_`"),
    "a reserved variable": ("p(or) :- q(or).", "CL027", "or", "`or_`"),
    "a reserved policy": ("policy null.", "CL027", "null", "`null_`"),
    "a reserved table in a body": ("p(x) :- q(x), true(x).", "CL027", "true", "`true_`"),
    "a reserved column of a table": ("table p(in: int).", "CL027", "in: int", "`in_`"),
    "a reserved source": ("p(x) :- null:q(x).", "CL027", "null:q", "`null_`"),
    # CL028: commas
    "no comma between literals": ("p(x) :- q(x) r(x).", "CL028", "", "`,`"),
    "no comma between indented literals": ("p(x) :-\n    q(x)\n    r(x).", "CL028", "", "`,`"),
    "no comma between arguments": ("p(x y) :- q(x, y).", "CL028", "", "`,`"),
    "no comma between values": ("p(x) :- q(x), x in [1 2].", "CL028", "", "`,`"),
    "no comma before not": ("p(x) :- q(x) not r(x).", "CL028", "", "`,`"),
    # CL029, CL030: heads
    "two heads": ("p(x), q(x) :- r(x).", "CL029", ",", "one rule for each"),
    "a negated head": ("not p(x) :- q(x).", "CL030", "not", "one atom"),
    "a comparison as a head": ("p(x) > 1 :- q(x).", "CL030", ">", "one atom"),
    "a disjunction as a head": ("p(x) or q(x) :- r(x).", "CL030", "or", "one atom"),
    "a number as a head": ("1 :- q(x).", "CL030", "1", "one atom"),
    "a group as a head": ("(p(x)) :- q(x).", "CL030", "(", "one atom"),
    "no head": (":- q(x).", "CL030", ":-", "`head :- body.`"),
    "a string as a head": ('"p" :- q(x).', "CL030", '"p"', "one atom"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), ONE_MISTAKE.values(), ids=ONE_MISTAKE.keys())
def test_one_mistake(text: str, code: str, underlined: str | None, hint: str) -> None:
    """A text with one mistake gets one finding: its code, its place and its hint."""
    _, findings = parse_policy(Source("mistake.dl", text))
    assert [finding.code for finding in findings] == [code], findings
    (finding,) = findings
    assert finding.span is not None
    assert finding.hint is not None
    assert underlined is None or finding.span.text == underlined
    assert hint in finding.hint
    assert code in CODES


# name: (text, position of an empty finding in it)
GAPS = {
    "end of the text": ("p(1)", 4),
    "before white space and a comment": ("p(1)  // c\n", 4),
    "between facts": ("p(1)\np(2).", 4),
    "between rules": ("p(x) :- q(x)\n\nr(x) :- s(x).", 12),
    "between literals": ("p(x) :- q(x) r(x).", 12),
    "after or": ("p(x) :- (q(x)) or .", 17),
}


@pytest.mark.parametrize(("text", "offset"), GAPS.values(), ids=GAPS.keys())
def test_what_is_missing_is_shown_where_it_should_stand(text: str, offset: int) -> None:
    """The caret of a missing mark stands just after the token before it, not under the next."""
    _, (finding,) = parse_policy(Source("mistake.dl", text))
    assert finding.span is not None
    assert (finding.span.start, finding.span.end) == (offset, offset)


# name: (text, codes in order, sound statements)
SEVERAL = {
    "three statements, two wrong": ("p(x :- q(x).\nr(1).\ns(x) :- t(x),.", ["CL006", "CL026"], 1),
    "two in one statement": ("p(99999999999999999999) :- q(f(x)).", ["CL010", "CL011"], 0),
    "a forgotten end keeps both rules": ("a(x) :- b(x)\nc(x) :- d(x).", ["CL002"], 2),
    "two forgotten ends": ("a(1)\nb(1)\nc(1).", ["CL002", "CL002"], 3),
    "a forgotten end and a mistake after it": ("a(1)\nb(1) :- .", ["CL002", "CL026"], 1),
    "a forgotten last end keeps the rule": ("a(1).\nb(1)", ["CL002"], 2),
    "a string without an end hides no later rule": ('a("x).\nb(1).\nc(.', ["CL004", "CL006"], 1),
    "a stray bracket hides no later rule": ("a(1)). b(1). c[1]. d(1).", ["CL006", "CL001"], 2),
    "terminators within strings and comments": ('a(". "). /* b(. ; */ c("; ") // d(. \n; e(.', ["CL006"], 2),
    "nothing at all": ("", [], 0),
    "comments only": ("// a\n# b\n/* c */", [], 0),
    "a number that is none spoils its statement": ("a(1x). b(1).", ["CL009"], 1),
    "one cause, one finding": ("p(x) :- q(x), ((x > 1)) + (y < 2) = 3.", ["CL011", "CL011"], 0),
}


@pytest.mark.parametrize(("text", "codes", "sound"), SEVERAL.values(), ids=SEVERAL.keys())
def test_all_mistakes_in_one_run(text: str, codes: list[str], sound: int) -> None:
    """One run tells the mistakes of all statements, in their order, and keeps the statements without one."""
    file, findings = parse_policy(Source("mistakes.dl", text))
    assert [finding.code for finding in findings] == codes, findings
    assert len(file.statements) == sound


PAGES = sorted((Path(__file__).parents[2] / "docs" / "errors").glob("CL0*.md"))


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_page_of_a_code(page: Path) -> None:
    """The first example of a page gives its code and no other, the second gives none."""
    examples = re.findall(r"```(dl|yaml)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    codes = []
    for form, text in examples:
        parse = parse_policy if form == "dl" else parse_yaml_policy
        codes.append({finding.code for finding in parse(Source(f"example.{form}", text))[1]})
    assert codes == [{page.stem}, set()]


def test_every_syntax_code_has_its_page() -> None:
    """Each code of this layer is documented, and no page is left of a code that is gone."""
    assert [page.stem for page in PAGES] == sorted(code for code in CODES if code.startswith("CL0"))


QUERIES = {
    "empty": ("", "CL026"),
    "a rule": ("p(x) :- q(x)", "CL001"),
    "two": ("p(x). q(x).", "CL026"),
    "a list as a value": ("x = [1]", "CL001"),
    "an open parenthesis": ("p(x", "CL006"),
    "a comma at the end": ("p(x),", "CL026"),
    "no comma": ("p(x) q(x)", "CL028"),
    "an aggregate": ("p(count(x))", "CL014"),
    "a value": ("x + 1", "CL012"),
    "a modal": ("execute[p(x)]", "CL241"),
}


@pytest.mark.parametrize(("text", "code"), QUERIES.values(), ids=QUERIES.keys())
def test_mistakes_of_queries(text: str, code: str) -> None:
    """A query that is not right gives no body, but a finding."""
    body, findings = parse_query(Source("query", text))
    assert body is None
    assert [finding.code for finding in findings] == [code], findings


def test_no_nesting_ends_in_a_crash() -> None:
    """Parentheses may be nested as deeply as memory lets them: they vanish, or are refused with a finding."""
    depth = 20_000
    for opening, inner, closing in [
        ("(", "q(x)", ")"),
        ("(", "x = 1", ")"),
        ("(", "q(x), r(x)", ")"),
        ("not (", "q(x)", ")"),
    ]:
        file, findings = parse_policy(Source("deep.dl", f"p(x) :- {opening * depth}{inner}{closing * depth}."))
        assert len(file.statements) + len(findings) >= 1
    for text in ("(" * depth, ")" * depth, "p(" * depth, "p(x) :- " + "[" * depth, "p(x) :- " + "!" * depth + "q(x)."):
        assert parse_policy(Source("deep.dl", text))[1]
    assert parse_policy(Source("deep.dl", f"p({'f(' * depth}x{')' * depth})."))[1]


WORDS = "p x _ not or in true null 1 12a @id policy table x:int a:b count é"
MARKS = """( ) [ ] , :- . ; ! " ' - + * = < -> .. @ // /* */ # \\ &&"""
PHRASES = [". ", "\n", " ", '"a"', '"""', "\x00", "p(x) :- q(x), ", "(a) or (b)", "@id(1) ", "9" * 30]
PIECES = st.sampled_from([*WORDS.split(), *MARKS.split(), *PHRASES])


@few(300)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_gets_findings_and_no_exception(text: str) -> None:
    """Whatever the text, each finding has a hint and a place within it; a text without findings can be formatted."""
    file, findings = parse_policy(Source("any.dl", text))
    for finding in findings:
        assert finding.hint
        assert finding.span is not None
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
        assert render(finding)
    if not findings:
        again, none = parse_policy(Source("any.dl", format_policy(file)))
        assert none == ()
        assert again.comments == file.comments
    body, findings = parse_query(Source("query", text))
    assert (body is None) == bool(findings)
    parse_yaml_policy(Source("any.yaml", text))
