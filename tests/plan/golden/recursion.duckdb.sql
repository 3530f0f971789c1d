-- recursion.dl:2:1
-- recursion.dl:3:1
CREATE TABLE "recursion:reach" AS
WITH RECURSIVE "recursion:reach"("a", "b") AS (
  SELECT DISTINCT t1."a" AS "a", t1."b" AS "b"
  FROM "inv:link" AS t1
  UNION
  SELECT t1."a" AS "a", t2."b" AS "b"
  FROM "recursion:reach" AS t1, "inv:link" AS t2
  WHERE t1."b" IS NOT DISTINCT FROM t2."a"
)
SELECT * FROM "recursion:reach";

-- recursion.dl:4:1
CREATE TABLE "recursion:near" AS
SELECT DISTINCT t1."a" AS "a", t1."b" AS "b"
FROM "inv:link" AS t1;
CREATE TABLE "recursion:near#delta" AS SELECT * FROM "recursion:near";
CREATE TABLE "recursion:near#new" AS SELECT * FROM "recursion:near" WHERE FALSE;
-- repeat until no delta has rows
-- recursion.dl:5:1
INSERT INTO "recursion:near#new"
SELECT t1."a" AS "a", t2."b" AS "b"
FROM "recursion:near#delta" AS t1, "recursion:near" AS t2
WHERE t1."b" IS NOT DISTINCT FROM t2."a"
EXCEPT
SELECT * FROM "recursion:near";
-- recursion.dl:5:1
INSERT INTO "recursion:near#new"
SELECT t1."a" AS "a", t2."b" AS "b"
FROM "recursion:near" AS t1, "recursion:near#delta" AS t2
WHERE t1."b" IS NOT DISTINCT FROM t2."a"
EXCEPT
SELECT * FROM "recursion:near";
TRUNCATE "recursion:near#delta";
INSERT INTO "recursion:near#delta" SELECT DISTINCT * FROM "recursion:near#new";
INSERT INTO "recursion:near" SELECT * FROM "recursion:near#delta";
TRUNCATE "recursion:near#new";
-- end of repeat
DROP TABLE "recursion:near#delta";
DROP TABLE "recursion:near#new";

CREATE TABLE "recursion:depth" AS
SELECT DISTINCT f."c1" AS "c1", f."c2" AS "c2"
FROM "recursion:depth#facts" AS f;
CREATE TABLE "recursion:depth#delta" AS SELECT * FROM "recursion:depth";
CREATE TABLE "recursion:depth#new" AS SELECT * FROM "recursion:depth" WHERE FALSE;
-- repeat until no delta has rows
-- recursion.dl:7:1
INSERT INTO "recursion:depth#new"
SELECT s3."b" AS "c1", s3."n" AS "c2"
FROM
  (
    SELECT t1."c1" AS "a", t1."c2" AS "m", t2."b" AS "b", int_add(t1."c2", 1) AS "n"
    FROM "recursion:depth#delta" AS t1, "inv:link" AS t2
    WHERE t1."c1" IS NOT DISTINCT FROM t2."a"
  ) AS s3
WHERE s3."n" IS NOT NULL
  AND s3."n" < 5
EXCEPT
SELECT * FROM "recursion:depth";
TRUNCATE "recursion:depth#delta";
INSERT INTO "recursion:depth#delta" SELECT DISTINCT * FROM "recursion:depth#new";
INSERT INTO "recursion:depth" SELECT * FROM "recursion:depth#delta";
TRUNCATE "recursion:depth#new";
-- end of repeat
DROP TABLE "recursion:depth#delta";
DROP TABLE "recursion:depth#new";
