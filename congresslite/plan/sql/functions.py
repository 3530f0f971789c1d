"""
The functions that printed SQL calls, as statements to be run before it.

Their names and meanings are the same in both databases. NULL in gives NULL out,
and NULL is also what an operation gives that holds neither way; none of them
ever raises an error, since a database may evaluate an expression for rows that
another condition drops.

In DuckDB these are macros, each of which names an operand that may be long only
once, since a macro repeats it; the rest is registered from Python. PostgreSQL
has all of them in SQL: decimal numbers of any length are exact there, so a
float is taken apart into one where a sum or a remainder must be exact, and
rounded once at the end.
"""

from __future__ import annotations

from fractions import Fraction

from congresslite.language.semantics import MAX_TEXT
from congresslite.schema import INT_MAX, INT_MIN

DUCKDB_FUNCTIONS: tuple[str, ...] = (
    "CREATE MACRO int_fit(x) AS TRY_CAST(x AS BIGINT)",
    "CREATE MACRO int_add(a, b) AS TRY_CAST(CAST(a AS HUGEINT) + CAST(b AS HUGEINT) AS BIGINT)",
    "CREATE MACRO int_subtract(a, b) AS TRY_CAST(CAST(a AS HUGEINT) - CAST(b AS HUGEINT) AS BIGINT)",
    "CREATE MACRO int_multiply(a, b) AS TRY_CAST(CAST(a AS HUGEINT) * CAST(b AS HUGEINT) AS BIGINT)",
    "CREATE MACRO value_int(v) AS CASE WHEN v[1] = 'i' THEN TRY_CAST(v[2:] AS BIGINT) END",
    "CREATE MACRO value_text(v) AS CASE WHEN v[1] = 's' THEN v[2:] END",
    "CREATE MACRO value_bool(v) AS CASE v WHEN 'b1' THEN TRUE WHEN 'b0' THEN FALSE END",
    """CREATE MACRO float_value(x) AS CASE
    WHEN NOT isfinite(x) THEN NULL
    WHEN x = trunc(x) AND x >= -9223372036854775808.0::DOUBLE AND x < 9223372036854775808.0::DOUBLE
    THEN 'i' || TRY_CAST(x AS BIGINT)
    ELSE 'f' || CAST(x AS VARCHAR) END""",
    "CREATE MACRO value_average(total, n) AS value_mean(CAST(total AS VARCHAR), n)",
)


def _decimal(number: Fraction) -> str:
    """A number whose denominator is a power of two, with all its decimals."""
    places = number.denominator.bit_length() - 1
    digits = str(number.numerator * 5**places).rjust(places + 1, "0")
    return f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits


# From here on a number rounds to an infinity, and up to there to zero.
_OVERFLOW = _decimal(Fraction(2**1024 - 2**970))
_UNDERFLOW = _decimal(Fraction(1, 2**1075))


def _sql(signature: str, returns: str, expression: str) -> str:
    return f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE sql IMMUTABLE AS $$ SELECT {expression} $$"


def _plain(signature: str, returns: str, body: str) -> str:
    """A function that the planner never takes apart: its casts see only what the conditions before them let through."""
    return (
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE plpgsql IMMUTABLE STRICT AS $$\nBEGIN\n{body}\nEND $$"
    )


def _float_operator(name: str, operator: str, underflow: str) -> str:
    """A float operation as IEEE 754 has it: PostgreSQL raises an error instead of giving an infinity or zero."""
    return _plain(
        f"float_{name}(a float8, b float8)",
        "float8",
        f"RETURN a {operator} b;\nEXCEPTION\n"
        f"WHEN numeric_value_out_of_range THEN RETURN {underflow};\n"
        "WHEN division_by_zero THEN RETURN NULL;",
    )


def _value_operator(name: str, integers: str, texts: str = "") -> str:
    """An operation on two `VALUE`s: on integers, on texts if it has them, on floats as soon as one number is one."""
    joined = f"ELSIF left(a, 1) = 's' AND left(b, 1) = 's' THEN RETURN {texts};\n" if texts else ""
    return _plain(
        f"value_{name}(a text, b text)",
        "text",
        f"IF left(a, 1) = 'i' AND left(b, 1) = 'i' THEN RETURN {integers};\n{joined}"
        "ELSIF left(a, 1) IN ('i', 'f') AND left(b, 1) IN ('i', 'f') THEN\n"
        f"RETURN float_value(float_{name}(substr(a, 2)::float8, substr(b, 2)::float8));\n"
        "END IF;\nRETURN NULL;",
    )


def _integers(function: str) -> str:
    return f"'i' || {function}(substr(a, 2)::bigint, substr(b, 2)::bigint)"


_NUMBERS = (
    _sql("int_fit(x numeric)", "bigint", f"CASE WHEN x BETWEEN {INT_MIN} AND {INT_MAX} THEN x::bigint END"),
    _sql("int_add(a bigint, b bigint)", "bigint", "int_fit(a::numeric + b)"),
    _sql("int_subtract(a bigint, b bigint)", "bigint", "int_fit(a::numeric - b)"),
    _sql("int_multiply(a bigint, b bigint)", "bigint", "int_fit(a::numeric * b)"),
    _sql(
        "int_modulo(a bigint, b bigint)",
        "bigint",
        "int_fit(mod(mod(a::numeric, nullif(b, 0)) + b, nullif(b, 0)))",
    ),
    _sql(
        "int_floor_divide(a bigint, b bigint)",
        "bigint",
        "int_fit(div(a::numeric - int_modulo(a, b), nullif(b, 0)))",
    ),
    _sql("text_add(a text, b text)", "text", f"CASE WHEN length(a) + length(b) <= {MAX_TEXT} THEN a || b END"),
    # A number with all its decimals, rounded once.
    _plain(
        "decimal_float(x numeric)",
        "float8",
        f"IF abs(x) >= {_OVERFLOW} THEN RETURN NULL;\n"
        f"ELSIF abs(x) <= {_UNDERFLOW} THEN RETURN 0;\nEND IF;\nRETURN x::float8;",
    ),
    # A float with all its decimals: its bits are the sign, an exponent, and 52 digits.
    f"""CREATE FUNCTION float_decimal(x float8) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  bits bigint := ('x' || encode(float8send(abs(x)), 'hex'))::bit(64)::bigint;
  exponent integer := (bits >> 52)::integer;
  digits numeric := bits & {2**52 - 1};
  shift integer;
  result numeric;
BEGIN
  IF exponent = 0 THEN exponent := 1; ELSE digits := digits + {2**52}; END IF;
  shift := exponent - 1075;
  IF shift >= 0 THEN result := digits * (2::numeric ^ shift);
  ELSE result := digits * (5::numeric ^ (-shift)) * ('1e' || shift)::numeric; END IF;
  RETURN CASE WHEN x < 0 THEN -result ELSE result END;
END $$""",
    _sql(
        "float_value(x float8)",
        "text",
        "CASE WHEN x = 'NaN'::float8 OR abs(x) = 'Infinity'::float8 THEN NULL "
        "WHEN x = trunc(x) AND x >= -9223372036854775808::float8 AND x < 9223372036854775808::float8 "
        "THEN 'i' || x::bigint ELSE 'f' || x END",
    ),
    _float_operator("add", "+", "NULL"),
    _float_operator("subtract", "-", "NULL"),
    # A product or quotient that is out of range is either far below 1 or far above it.
    _float_operator("multiply", "*", "CASE WHEN abs(a) < 1 OR abs(b) < 1 THEN 0 END"),
    _float_operator("divide", "/", "CASE WHEN abs(a) < abs(b) THEN 0 END"),
    _plain(
        "float_modulo(a float8, b float8)",
        "float8",
        "IF b = 0 THEN RETURN NULL; END IF;\n"
        "a := decimal_float(mod(float_decimal(a), float_decimal(b)));\n"
        "RETURN CASE WHEN a <> 0 AND (a < 0) <> (b < 0) THEN a + b ELSE a END;",
    ),
    # The quotient of two integers: digits enough to tell on which side of the middle between two floats it lies.
    _sql(
        "int_divide(a bigint, b bigint)",
        "text",
        "float_value(decimal_float(round(a::numeric, 150) / nullif(b, 0)))",
    ),
)

_VALUES = (
    _plain("value_int(v text)", "bigint", "RETURN CASE WHEN left(v, 1) = 'i' THEN substr(v, 2)::bigint END;"),
    _sql("value_text(v text)", "text", "CASE WHEN left(v, 1) = 's' THEN substr(v, 2) END"),
    _sql("value_bool(v text)", "boolean", "CASE v WHEN 'b1' THEN TRUE WHEN 'b0' THEN FALSE END"),
    # A number as it is written, which orders numbers; and with all its decimals, which adds them.
    _plain(
        "value_decimal(v text)", "numeric", "RETURN CASE WHEN left(v, 1) IN ('i', 'f') THEN substr(v, 2)::numeric END;"
    ),
    _plain(
        "value_exact(v text)",
        "numeric",
        "RETURN CASE left(v, 1) WHEN 'i' THEN substr(v, 2)::numeric "
        "WHEN 'f' THEN float_decimal(substr(v, 2)::float8) END;",
    ),
    # PostgreSQL writes a few floats with a digit more than others do.
    _plain(
        "value_settled(v text)",
        "text",
        "RETURN CASE WHEN left(v, 1) = 'f' THEN float_value(substr(v, 2)::float8) ELSE v END;",
    ),
    _sql(
        "decimal_value(x numeric)",
        "text",
        "CASE WHEN x = trunc(x) AND int_fit(x) IS NOT NULL THEN 'i' || int_fit(x) ELSE 'f' || x::float8 END",
    ),
    _plain(
        "value_less(a text, b text)",
        "boolean",
        "IF left(a, 1) IN ('i', 'f') AND left(b, 1) IN ('i', 'f') THEN\n"
        "RETURN substr(a, 2)::numeric < substr(b, 2)::numeric;\n"
        "ELSIF left(a, 1) = 's' AND left(b, 1) = 's' THEN\n"
        'RETURN substr(a, 2) COLLATE "C" < substr(b, 2) COLLATE "C";\nEND IF;\nRETURN NULL;',
    ),
    _value_operator("add", _integers("int_add"), "'s' || text_add(substr(a, 2), substr(b, 2))"),
    _value_operator("subtract", _integers("int_subtract")),
    _value_operator("multiply", _integers("int_multiply")),
    _value_operator("divide", "int_divide(substr(a, 2)::bigint, substr(b, 2)::bigint)"),
    _value_operator("modulo", _integers("int_modulo")),
    _sql(
        "value_sum(total numeric, floats boolean)",
        "text",
        "CASE WHEN floats THEN float_value(decimal_float(total)) ELSE 'i' || int_fit(total) END",
    ),
    # As many decimals as the smallest float has, so that only the last step rounds.
    _sql(
        "value_average(total numeric, n bigint)",
        "text",
        "float_value(decimal_float(round(total, 1100) / nullif(n, 0)))",
    ),
    # All values of a group must be numbers, or all of them texts.
    _sql(
        "value_extreme(known bigint, number numeric, numbers bigint, string text, strings bigint)",
        "text",
        "CASE WHEN numbers = known THEN decimal_value(number) WHEN strings = known THEN 's' || string END",
    ),
)

_BUILTINS = (
    _sql("builtin_concat(x text, y text)", "text", "text_add(x, y)"),
    _sql("builtin_len(x text)", "bigint", "length(x)::bigint"),
    _sql("builtin_startswith(x text, y text)", "boolean", "starts_with(x, y)"),
    _sql("builtin_endswith(x text, y text)", "boolean", "right(x, length(y)) = y"),
    _sql("builtin_contains(x text, y text)", "boolean", "position(y IN x) > 0"),
    "CREATE FUNCTION builtin_split(x text, y text) RETURNS TABLE(c1 bigint, c2 text) LANGUAGE sql IMMUTABLE AS $$ "
    "SELECT place, piece FROM string_to_table(x, nullif(y, '')) WITH ORDINALITY AS s(piece, place) "
    "WHERE builtin_split_known(x, y) AND x <> '' UNION ALL SELECT 1, '' WHERE x = '' AND y <> '' $$",
    _sql("builtin_max(a text, b text)", "text", "CASE value_less(a, b) WHEN TRUE THEN b WHEN FALSE THEN a END"),
    _sql(
        "builtin_precedes(a text, b text)",
        "boolean",
        "coalesce(value_less(a, b), CASE WHEN left(a, 1) = left(b, 1) THEN a < b "
        "ELSE position(left(a, 1) IN 'bifs') < position(left(b, 1) IN 'bifs') END)",
    ),
    _value_operator("floor_divide", _integers("int_floor_divide")),
    _sql("builtin_div(a text, b text)", "text", "value_floor_divide(a, b)"),
    _sql("builtin_pack_time(a bigint, b bigint, c bigint)", "text", "a || ':' || b || ':' || c"),
    _sql("builtin_pack_date(a bigint, b bigint, c bigint)", "text", "a || '-' || b || '-' || c"),
    _sql(
        "builtin_pack_datetime(a bigint, b bigint, c bigint, d bigint, e bigint, f bigint)",
        "text",
        "a || '-' || b || '-' || c || ' ' || d || ':' || e || ':' || f",
    ),
    _sql("builtin_int(v text)", "bigint", "value_int(v)"),
    _sql("builtin_float(v text)", "text", "CASE WHEN left(v, 1) = 'i' THEN v END"),
)

POSTGRESQL_FUNCTIONS: tuple[str, ...] = (
    *_NUMBERS,
    *_VALUES,
    _sql("builtin_split_known(x text, y text)", "boolean", "x IS NOT NULL AND y <> ''"),
    # The quotient of floats is not rounded down.
    _sql("float_floor_divide(a float8, b float8)", "float8", "float_divide(a, b)"),
    *_BUILTINS,
)


def now_function(clock: str, *, macro: bool) -> str:
    """The function that `now` is, at the time of an evaluation."""
    text = "'" + clock.replace("'", "''") + "'"
    if macro:
        return f"CREATE MACRO builtin_now() AS CAST({text} AS VARCHAR)"
    return _sql("builtin_now()", "text", f"CAST({text} AS text)")
