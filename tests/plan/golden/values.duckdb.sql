-- values.dl:2:1
CREATE TABLE "values:tagged" AS
SELECT DISTINCT t1."id" AS "h"
FROM "inv:host" AS t1
WHERE t1."tags" = 'i1';

-- values.dl:3:1
CREATE TABLE "values:same" AS
SELECT DISTINCT t1."id" AS "v"
FROM "inv:vm" AS t1, "inv:host" AS t2
WHERE t2."tags" = coalesce('i' || t1."vcpus", 'n');

-- values.dl:4:1
CREATE TABLE "values:load" AS
SELECT DISTINCT s2."v" AS "v", s2."x" AS "x"
FROM
  (
    SELECT
      t1."id" AS "v",
      t1."vcpus" AS "n",
      t1."weight" AS "w",
      value_multiply(coalesce('i' || t1."vcpus", 'n'), t1."weight") AS "x"
    FROM "inv:vm" AS t1
    WHERE coalesce('i' || t1."vcpus", 'n') NOT IN ('i1', 'i2', 'n')
  ) AS s2
WHERE s2."x" IS NOT NULL
  AND value_less('f0.5', s2."x");

-- values.dl:6:1
CREATE TABLE "values:quoted" AS
SELECT
  t1."id" AS "c1",
  CAST(2 AS BIGINT) AS "c2",
  CAST('i3' AS VARCHAR) AS "c3",
  CAST(FALSE AS BOOLEAN) AS "c4",
  t1."weight" AS "c5"
FROM "inv:vm" AS t1
UNION
SELECT f."c1" AS "c1", f."c2" AS "c2", f."c3" AS "c3", f."c4" AS "c4", f."c5" AS "c5"
FROM "values:quoted#facts" AS f;
