"""The tables of `PostgresCheckpoints`, in the consumer's own database."""

from typing import Final

#: What `PostgresCheckpoints` needs, for those who create tables themselves.
POSTGRES_TABLES: Final = """\
CREATE TABLE ledger_checkpoints (
    consumer     text        NOT NULL,
    journal_id   uuid        NOT NULL,
    journal_code text        NOT NULL,
    position     bigint      NOT NULL CHECK (position >= 0),
    update_time  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, journal_id)
);
CREATE TABLE ledger_dead_letters (
    consumer    text        NOT NULL,
    journal_id  uuid        NOT NULL,
    sequence    bigint      NOT NULL,
    type        text        NOT NULL,
    messages    bytea[]     NOT NULL,
    error       text        NOT NULL,
    traceback   text        NOT NULL,
    attempts    integer     NOT NULL,
    time        timestamptz NOT NULL,
    state       text        NOT NULL CHECK (state IN ('OPEN', 'REPLAYED', 'DISCARDED')),
    settle_time timestamptz,
    PRIMARY KEY (consumer, journal_id, sequence),
    FOREIGN KEY (consumer, journal_id) REFERENCES ledger_checkpoints ON DELETE CASCADE
);
"""

#: Held while the tables are made: two consumers may start at once.
CREATION_LOCK: Final = 0x1ED6E4

#: Of the catalog's rows: `to_regclass` would remember, behind the lock above, that a table was not
#: there before it.
ARE_THERE: Final = """
SELECT count(*) = 2 FROM pg_class
 WHERE relname IN ('ledger_checkpoints', 'ledger_dead_letters') AND pg_table_is_visible(oid)
"""

#: The position of another journal that had the same code: a ledger that was made anew.
FIND_NAMESAKE: Final = """
SELECT journal_id FROM ledger_checkpoints
 WHERE consumer = $1 AND journal_code = $3 AND journal_id <> $2
"""

BEGIN_AT: Final = """
INSERT INTO ledger_checkpoints (consumer, journal_id, journal_code, position)
VALUES ($1, $2, $3, $4) ON CONFLICT (consumer, journal_id) DO NOTHING
"""

#: The lock is what keeps two processes of one consumer apart: whoever comes second waits, and then
#: sees the position that the first has left.
LOCK_POSITION: Final = """
SELECT position FROM ledger_checkpoints WHERE consumer = $1 AND journal_id = $2 FOR UPDATE
"""

MOVE: Final = """
UPDATE ledger_checkpoints SET position = $3, update_time = now()
 WHERE consumer = $1 AND journal_id = $2
"""

SET_ASIDE: Final = """
INSERT INTO ledger_dead_letters (consumer, journal_id, sequence, type, messages, error, traceback,
                                 attempts, time, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'OPEN')
    ON CONFLICT (consumer, journal_id, sequence) DO UPDATE
   SET error = excluded.error, traceback = excluded.traceback, attempts = excluded.attempts,
       time = excluded.time, state = 'OPEN', settle_time = NULL
"""

LIST_LETTERS: Final = """
SELECT sequence, type, messages, error, traceback, attempts, time, state, settle_time
  FROM ledger_dead_letters
 WHERE consumer = $1 AND journal_id = $2 ORDER BY sequence
"""

LOCK_LETTER: Final = """
SELECT sequence, type, messages, error, traceback, attempts, time, state, settle_time
  FROM ledger_dead_letters
 WHERE consumer = $1 AND journal_id = $2 AND sequence = $3 AND state = 'OPEN' FOR UPDATE
"""

SETTLE_LETTER: Final = """
UPDATE ledger_dead_letters SET state = $4, settle_time = now()
 WHERE consumer = $1 AND journal_id = $2 AND sequence = $3
"""

FIND_JOURNALS: Final = """
SELECT journal_id, journal_code FROM ledger_checkpoints WHERE consumer = $1 ORDER BY journal_code
"""
