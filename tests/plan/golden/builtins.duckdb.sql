-- builtins.dl:2:1
CREATE TABLE "builtins:prefixed" AS
SELECT DISTINCT t1."id" AS "v"
FROM "inv:vm" AS t1
WHERE builtin_startswith(t1."id", CAST('vm-' AS VARCHAR))
  AND NOT builtin_endswith(t1."id", CAST('-old' AS VARCHAR));

-- builtins.dl:3:1
CREATE TABLE "builtins:long" AS
SELECT DISTINCT s4."v" AS "v", s4."n" AS "n"
FROM
  (
    SELECT t1."id" AS "v", builtin_len(t1."id") AS "n"
    FROM "inv:vm" AS t1
    WHERE 7 <> builtin_len(t1."id")
  ) AS s4
WHERE s4."n" IS NOT NULL
  AND s4."n" > 3;

-- builtins.dl:4:1
CREATE TABLE "builtins:part" AS
SELECT DISTINCT s5."v" AS "v", s5."p" AS "p"
FROM
  (
    SELECT t1."id" AS "v", value_int(r3.row[1]) AS "$.w4", value_text(r3.row[2]) AS "p"
    FROM "inv:vm" AS t1, unnest(builtin_split(t1."id", CAST('-' AS VARCHAR))) AS r3(row)
    WHERE builtin_split(t1."id", CAST('-' AS VARCHAR)) IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM unnest(builtin_split(t1."id", CAST('-' AS VARCHAR))) AS r2(row) WHERE 3 = value_int(r2.row[1]))
  ) AS s5
WHERE 2 = s5."$.w4";

-- builtins.dl:5:1
CREATE TABLE "builtins:big" AS
SELECT DISTINCT t1."id" AS "v"
FROM "inv:vm" AS t1
WHERE value_less('i2', t1."weight")
  AND t1."weight" <> 'i3'
  AND 'i4' = value_add(t1."weight", 'i1');
