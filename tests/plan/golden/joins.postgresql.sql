-- joins.dl:2:1
CREATE UNLOGGED TABLE "joins:vm_tenant" AS
SELECT DISTINCT t1."id" AS "vm", t2."tenant" AS "tenant"
FROM "inv:vm" AS t1, "inv:ns" AS t2
WHERE coalesce('s' || t1."ns", 'n') = coalesce('s' || t2."id", 'n');

-- joins.dl:3:1
CREATE UNLOGGED TABLE "joins:own" AS
SELECT DISTINCT t1."id" AS "vm"
FROM "inv:vm" AS t1
WHERE t1."host" = 'h1'
  AND coalesce('s' || t1."id", 'n') = coalesce('s' || t1."ns", 'n');

-- joins.dl:4:1
CREATE UNLOGGED TABLE "joins:pair" AS
SELECT DISTINCT t1."id" AS "a", t2."id" AS "b"
FROM "inv:vm" AS t1, "inv:vm" AS t2
WHERE coalesce('s' || t1."host", 'n') = coalesce('s' || t2."host", 'n')
  AND t1."id" COLLATE "C" < t2."id";

-- joins.dl:5:1
CREATE UNLOGGED TABLE "joins:alone" AS
SELECT DISTINCT t1."id" AS "vm"
FROM "inv:vm" AS t1
WHERE NOT EXISTS (SELECT 1 FROM "inv:host" AS n2 WHERE coalesce('s' || t1."host", 'n') = coalesce('s' || n2."id", 'n'));
