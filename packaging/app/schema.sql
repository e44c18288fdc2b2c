-- SPDX-License-Identifier: BSD-3-Clause
-- What sessions.ts keeps in PostgreSQL. May be run again: it does nothing then.

CREATE TABLE IF NOT EXISTS sessions (
    id text PRIMARY KEY,
    version bigint NOT NULL,
    data jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS sessions_expires_at ON sessions (expires_at);

-- Versions rise over all sessions, so that an id that is used again does not begin anew.
CREATE SEQUENCE IF NOT EXISTS session_versions;
