-- joins.dl:2:1
CREATE TABLE "joins:vm_tenant" AS
SELECT DISTINCT t1."id" AS "vm", t2."tenant" AS "tenant"
FROM "inv:vm" AS t1, "inv:ns" AS t2
WHERE t1."ns" IS NOT DISTINCT FROM t2."id";

-- joins.dl:3:1
CREATE TABLE "joins:own" AS
SELECT DISTINCT t1."id" AS "vm"
FROM "inv:vm" AS t1
WHERE t1."host" = 'h1'
  AND t1."id" IS NOT DISTINCT FROM t1."ns";

-- joins.dl:4:1
CREATE TABLE "joins:pair" AS
SELECT DISTINCT t1."id" AS "a", t2."id" AS "b"
FROM "inv:vm" AS t1, "inv:vm" AS t2
WHERE t1."host" IS NOT DISTINCT FROM t2."host"
  AND t1."id" < t2."id";

-- joins.dl:5:1
CREATE TABLE "joins:alone" AS
SELECT DISTINCT t1."id" AS "vm"
FROM "inv:vm" AS t1
WHERE NOT EXISTS (SELECT 1 FROM "inv:host" AS n2 WHERE t1."host" IS NOT DISTINCT FROM n2."id");
