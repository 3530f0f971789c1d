-- aggregates.dl:2:1
CREATE TABLE "aggregates:host_load" AS
SELECT DISTINCT g."h" AS "h", g."c2" AS "c2", g."c3" AS "c3", g."c4" AS "c4"
FROM
  (
    SELECT
      t1."host" AS "h",
      int_fit(sum(t1."vcpus")) AS "c2",
      nullif(count(t1."id"), 0) AS "c3",
      max(t1."id") AS "c4"
    FROM "inv:vm" AS t1
    GROUP BY t1."host"
  ) AS g
WHERE g."c2" IS NOT NULL
  AND g."c3" IS NOT NULL
  AND g."c4" IS NOT NULL;

-- aggregates.dl:3:1
CREATE TABLE "aggregates:heaviest" AS
SELECT DISTINCT g."c1" AS "c1", g."c2" AS "c2"
FROM
  (
    SELECT value_fold_max(list(t1."weight")) AS "c1", value_fold_avg(list(t1."weight")) AS "c2"
    FROM "inv:vm" AS t1
  ) AS g
WHERE g."c1" IS NOT NULL
  AND g."c2" IS NOT NULL;

-- aggregates.dl:4:1
CREATE TABLE "aggregates:seen" AS
SELECT DISTINCT g."h" AS "h", g."c2" AS "c2"
FROM
  (
    SELECT b."v h" AS "h", nullif(count(b."v v"), 0) AS "c2"
    FROM
      (
        SELECT
          CAST('$1,$2,$3,h,v' AS VARCHAR) AS "assigned",
          t1."ns" AS "v $1",
          t1."vcpus" AS "v $2",
          t1."weight" AS "v $3",
          t1."host" AS "v h",
          t1."id" AS "v v",
          CAST(NULL AS VARCHAR) AS "v $4",
          CAST(NULL AS VARCHAR) AS "v $5"
        FROM "inv:vm" AS t1
        UNION
        SELECT
          CAST('$4,$5,h,v' AS VARCHAR) AS "assigned",
          CAST(NULL AS VARCHAR) AS "v $1",
          CAST(NULL AS BIGINT) AS "v $2",
          CAST(NULL AS VARCHAR) AS "v $3",
          t1."id" AS "v h",
          t2."id" AS "v v",
          t1."tags" AS "v $4",
          t2."tenant" AS "v $5"
        FROM "inv:host" AS t1, "inv:ns" AS t2
      ) AS b
    GROUP BY b."v h"
  ) AS g
WHERE g."c2" IS NOT NULL;
