-- find_limit --
SELECT code, name, currency, bound, direction, measure, time_window, rolling_seconds, condition,
       created_at
  FROM limits
 WHERE journal_id = $1 AND code = $2;

-- list_limits --
SELECT code, name, currency, bound, direction, measure, time_window, rolling_seconds, condition,
       created_at
  FROM limits
 WHERE journal_id = $1 AND code > $2
 ORDER BY code
 LIMIT $3;

-- insert_limit --
INSERT INTO limits
       (journal_id, code, name, currency, kind, bound, direction, measure, time_window,
        rolling_seconds, condition, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp())
RETURNING code, name, currency, bound, direction, measure, time_window, rolling_seconds, condition,
          created_at;

-- update_limit --
-- What a limit counts never changes, or what it has counted would mean something else.
UPDATE limits
   SET name = $3, bound = $4
 WHERE journal_id = $1 AND code = $2
RETURNING code, name, currency, bound, direction, measure, time_window, rolling_seconds, condition,
          created_at;

-- attach_account --
-- Gives nothing if it was attached before.
INSERT INTO limit_accounts (journal_id, limit_code, account_id)
VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
RETURNING limit_code;

-- attach_set --
-- Gives nothing if it was attached with this scope before; another scope takes its place.
INSERT INTO limit_sets (journal_id, limit_code, set_id, scope)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (journal_id, limit_code, set_id) DO UPDATE
   SET scope = excluded.scope
 WHERE limit_sets.scope <> excluded.scope
RETURNING limit_code;

-- detach_account --
DELETE FROM limit_accounts
 WHERE journal_id = $1 AND limit_code = $2 AND account_id = $3
RETURNING 1 AS scope;

-- detach_set --
DELETE FROM limit_sets
 WHERE journal_id = $1 AND limit_code = $2 AND set_id = $3
RETURNING scope;

-- attached_to --
-- What a limit was attached to. Kinds are 0 for accounts and 1 for sets; a page begins after
-- (kind, id).
SELECT kind, id, scope
  FROM (
        SELECT 0 AS kind, account_id AS id, 1::smallint AS scope
          FROM limit_accounts
         WHERE journal_id = $1 AND limit_code = $2
         UNION ALL
        SELECT 1, set_id, scope
          FROM limit_sets
         WHERE journal_id = $1 AND limit_code = $2
       ) AS attached
 WHERE (kind, id) > ($3::integer, $4::uuid)
 ORDER BY kind, id
 LIMIT $5;

-- any_attachment --
SELECT EXISTS (SELECT FROM limit_accounts WHERE journal_id = $1)
    OR EXISTS (SELECT FROM limit_sets WHERE journal_id = $1) AS found;

-- attachments --
-- Every limit that binds each of the accounts: by itself, or through any set above it. Sets above
-- are found once a way that leads to them, however many do (UNION). A limit that binds each account
-- by itself binds it once, whatever the ways: its own attachment tells of it, or that of the first
-- set. A limit on the whole of a set is one for each such set.
-- Nested loops over primary keys and reverse indexes: the sets above an account are few.
WITH RECURSIVE above (account_id, set_id) AS (
    SELECT account_set_accounts.account_id, account_set_accounts.set_id
      FROM account_set_accounts
     WHERE account_set_accounts.journal_id = $1
       AND account_set_accounts.account_id = ANY ($2::uuid[])
     UNION
    SELECT above.account_id, account_set_sets.set_id
      FROM above
      JOIN account_set_sets
        ON account_set_sets.journal_id = $1 AND account_set_sets.member_id = above.set_id
), bound (account_id, limit_code, set_id, scope, set_code, set_side) AS (
    SELECT limit_accounts.account_id, limit_accounts.limit_code, NULL::uuid, 1::smallint, '',
           NULL::smallint
      FROM limit_accounts
     WHERE limit_accounts.journal_id = $1
       AND limit_accounts.account_id = ANY ($2::uuid[])
     UNION ALL
    SELECT above.account_id, limit_sets.limit_code, limit_sets.set_id, limit_sets.scope,
           account_sets.code, account_sets.normal_side
      FROM above
      JOIN limit_sets ON limit_sets.journal_id = $1 AND limit_sets.set_id = above.set_id
      JOIN account_sets ON account_sets.journal_id = $1 AND account_sets.id = above.set_id
)
SELECT DISTINCT ON (bound.account_id, limits.code, bound.scope, whole_set_id)
       bound.account_id, bound.set_id, bound.scope, bound.set_side,
       CASE WHEN bound.scope = 2 THEN bound.set_id END AS whole_set_id,
       limits.code, limits.name, limits.currency, limits.bound, limits.direction, limits.measure,
       limits.time_window, limits.rolling_seconds, limits.condition, limits.created_at
  FROM bound
  JOIN limits ON limits.journal_id = $1 AND limits.code = bound.limit_code
 ORDER BY bound.account_id, limits.code, bound.scope, whole_set_id, bound.set_id IS NOT NULL,
       bound.set_code COLLATE "C";

-- velocity_limits_of_set --
-- Velocity limits that bind the accounts of a set through it or a set above it.
WITH RECURSIVE above (set_id) AS (
    SELECT $2::uuid
     UNION
    SELECT account_set_sets.set_id
      FROM above
      JOIN account_set_sets
        ON account_set_sets.journal_id = $1 AND account_set_sets.member_id = above.set_id
)
SELECT DISTINCT limits.code
  FROM above
  JOIN limit_sets ON limit_sets.journal_id = $1 AND limit_sets.set_id = above.set_id
  JOIN limits ON limits.journal_id = $1 AND limits.code = limit_sets.limit_code
 WHERE limits.kind = 2
 ORDER BY limits.code;

-- present --
-- The time that an event recorded now would get.
SELECT greatest(recorded_at, clock_timestamp()) AS present
  FROM journal_heads
 WHERE journal_id = $1;
