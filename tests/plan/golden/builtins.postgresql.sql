-- builtins.dl:2:1
CREATE UNLOGGED TABLE "builtins:prefixed" AS
SELECT DISTINCT t1."id" AS "v"
FROM "inv:vm" AS t1
WHERE builtin_startswith(t1."id", CAST('vm-' AS text))
  AND NOT builtin_endswith(t1."id", CAST('-old' AS text));

-- builtins.dl:3:1
CREATE UNLOGGED TABLE "builtins:long" AS
SELECT DISTINCT s4."v" AS "v", s4."n" AS "n"
FROM
  (
    SELECT t1."id" AS "v", builtin_len(t1."id") AS "n"
    FROM "inv:vm" AS t1
    WHERE 7 <> builtin_len(t1."id")
    OFFSET 0
  ) AS s4
WHERE s4."n" IS NOT NULL
  AND s4."n" > 3;

-- builtins.dl:4:1
CREATE UNLOGGED TABLE "builtins:part" AS
SELECT DISTINCT s5."v" AS "v", s5."p" AS "p"
FROM
  (
    SELECT t1."id" AS "v", r3.c1 AS "$.w4", r3.c2 AS "p"
    FROM "inv:vm" AS t1, builtin_split(t1."id", CAST('-' AS text)) AS r3(c1, c2)
    WHERE builtin_split_known(t1."id", CAST('-' AS text))
      AND NOT EXISTS (SELECT 1 FROM builtin_split(t1."id", CAST('-' AS text)) AS r2(c1, c2) WHERE 3 = r2.c1)
    OFFSET 0
  ) AS s5
WHERE 2 = s5."$.w4";

-- builtins.dl:5:1
CREATE UNLOGGED TABLE "builtins:big" AS
SELECT DISTINCT t1."id" AS "v"
FROM "inv:vm" AS t1
WHERE value_less('i2', t1."weight")
  AND t1."weight" <> 'i3'
  AND 'i4' = value_add(t1."weight", 'i1');
