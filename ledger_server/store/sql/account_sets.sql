-- sets_among --
-- Two index scans rather than an OR, as in accounts.account_facts.
SELECT id, code
  FROM account_sets
 WHERE journal_id = $1 AND id = ANY ($2::uuid[])
 UNION
SELECT id, code
  FROM account_sets
 WHERE journal_id = $1 AND code = ANY ($3::text[]);

-- find_set --
-- One of id and code is NULL, and a comparison with NULL finds nothing. Two look-ups rather than an
-- OR, as in accounts.account_facts.
SELECT id, code, name, category, normal_side, metadata, created_at
  FROM account_sets
 WHERE journal_id = $1 AND id = $2
 UNION ALL
SELECT id, code, name, category, normal_side, metadata, created_at
  FROM account_sets
 WHERE journal_id = $1 AND code = $3;

-- list_sets --
SELECT id, code, name, category, normal_side, metadata, created_at
  FROM account_sets
 WHERE journal_id = $1 AND code > $2
 ORDER BY code
 LIMIT $3;

-- insert_set --
INSERT INTO account_sets (journal_id, id, code, name, category, normal_side, metadata, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, clock_timestamp())
RETURNING id, code, name, category, normal_side, metadata, created_at;

-- containers_among --
-- Those of the sets given that contain the set or are it: none of them can become its member.
WITH RECURSIVE above (id) AS (
    SELECT $2::uuid
     UNION
    SELECT account_set_sets.set_id
      FROM above
      JOIN account_set_sets
        ON account_set_sets.journal_id = $1 AND account_set_sets.member_id = above.id
)
SELECT id
  FROM above
 WHERE id = ANY ($3::uuid[]);

-- accounts_below --
WITH RECURSIVE below (id) AS (
    SELECT $2::uuid
     UNION
    SELECT account_set_sets.member_id
      FROM below
      JOIN account_set_sets
        ON account_set_sets.journal_id = $1 AND account_set_sets.set_id = below.id
)
SELECT DISTINCT account_set_accounts.account_id
  FROM below
  JOIN account_set_accounts
    ON account_set_accounts.journal_id = $1 AND account_set_accounts.set_id = below.id;

-- add_accounts --
-- Gives those that were not members before.
INSERT INTO account_set_accounts (journal_id, set_id, account_id)
SELECT $1, $2, account_id
  FROM unnest($3::uuid[]) AS account_id
    ON CONFLICT DO NOTHING
RETURNING account_id AS id;

-- add_sets --
-- Gives those that were not members before.
INSERT INTO account_set_sets (journal_id, set_id, member_id)
SELECT $1, $2, member_id
  FROM unnest($3::uuid[]) AS member_id
    ON CONFLICT DO NOTHING
RETURNING member_id AS id;

-- remove_accounts --
DELETE FROM account_set_accounts
 WHERE journal_id = $1 AND set_id = $2 AND account_id = ANY ($3::uuid[])
RETURNING account_id AS id;

-- remove_sets --
DELETE FROM account_set_sets
 WHERE journal_id = $1 AND set_id = $2 AND member_id = ANY ($3::uuid[])
RETURNING member_id AS id;

-- list_members --
-- Kinds are 0 for sets and 1 for accounts. A page begins after (kind, code).
SELECT kind, id, code, name
  FROM (
        SELECT 0 AS kind, account_sets.id, account_sets.code, account_sets.name
          FROM account_set_sets
          JOIN account_sets
            ON account_sets.journal_id = account_set_sets.journal_id
           AND account_sets.id = account_set_sets.member_id
         WHERE account_set_sets.journal_id = $1 AND account_set_sets.set_id = $2
         UNION ALL
        SELECT 1, accounts.id, accounts.code, accounts.name
          FROM account_set_accounts
          JOIN accounts
            ON accounts.journal_id = account_set_accounts.journal_id
           AND accounts.id = account_set_accounts.account_id
         WHERE account_set_accounts.journal_id = $1 AND account_set_accounts.set_id = $2
       ) AS member
 WHERE (kind, code) > ($3::integer, $4::text)
 ORDER BY kind, code
 LIMIT $5;

-- all_sets --
SELECT id, code, name, category, normal_side, metadata, created_at
  FROM account_sets
 WHERE journal_id = $1;

-- all_set_edges --
SELECT set_id, member_id
  FROM account_set_sets
 WHERE journal_id = $1;

-- insert_sets --
INSERT INTO account_sets (journal_id, id, code, name, category, normal_side, metadata, created_at)
SELECT $1, item.id, item.code, item.name, item.category, item.normal_side, '{}',
       statement_timestamp()
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::smallint[])
       AS item (id, code, name, category, normal_side)
RETURNING id, code, name, category, normal_side, metadata, created_at;

-- insert_edges --
INSERT INTO account_set_sets (journal_id, set_id, member_id)
SELECT $1, edge.set_id, edge.member_id
  FROM unnest($2::uuid[], $3::uuid[]) AS edge (set_id, member_id);

-- sets_with_sets --
SELECT DISTINCT set_id AS id
  FROM account_set_sets
 WHERE journal_id = $1 AND set_id = ANY ($2::uuid[]);

-- accounts_of_sets --
-- The accounts that stand directly in sets.
SELECT account_set_accounts.set_id, accounts.id, accounts.code, accounts.name
  FROM account_set_accounts
  JOIN accounts
    ON accounts.journal_id = account_set_accounts.journal_id
   AND accounts.id = account_set_accounts.account_id
 WHERE account_set_accounts.journal_id = $1
   AND account_set_accounts.set_id = ANY ($2::uuid[])
 ORDER BY accounts.code
 LIMIT $3;

-- accounts_outside_sets --
-- The accounts that stand directly in none of the sets.
SELECT accounts.id, accounts.code, accounts.name
  FROM accounts
 WHERE accounts.journal_id = $1
   AND NOT EXISTS (
        SELECT FROM account_set_accounts
         WHERE account_set_accounts.journal_id = accounts.journal_id
           AND account_set_accounts.account_id = accounts.id
           AND account_set_accounts.set_id = ANY ($2::uuid[]))
 ORDER BY accounts.code
 LIMIT $3;
