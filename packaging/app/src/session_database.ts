// SPDX-License-Identifier: BSD-3-Clause
//
// Sessions in PostgreSQL: what is true.  Each write gives a session a version higher than any before.
import type { Pool } from 'pg';

export type Data = Readonly<Record<string, unknown>>;

export interface Session {
  readonly data: Data;
  readonly version: number;
  /** By the clock of the database, in ms since 1970. */
  readonly expiresAt: number;
}

interface Row {
  readonly data: Data;
  readonly version: string; // bigint
  readonly expires_at: Date;
}

function asSession(row: Row): Session {
  return { data: row.data, version: Number(row.version), expiresAt: row.expires_at.getTime() };
}

// The version of an update is drawn when the row is locked: two writers' versions are in the order of
// their writes.
const SAVE = `
  INSERT INTO sessions (id, version, data, expires_at)
  VALUES ($1, nextval('session_versions'), $2, now() + $3 * interval '1 millisecond')
  ON CONFLICT (id) DO UPDATE
    SET version = nextval('session_versions'), data = excluded.data, expires_at = excluded.expires_at
  RETURNING data, version, expires_at`;
const LOAD = 'SELECT data, version, expires_at FROM sessions WHERE id = $1 AND expires_at > now()';
const TOUCH = `
  UPDATE sessions SET version = nextval('session_versions'), expires_at = now() + $2 * interval '1 millisecond'
  WHERE id = $1 AND expires_at > now() RETURNING data, version, expires_at`;
const DESTROY = `
  WITH gone AS (DELETE FROM sessions WHERE id = $1 RETURNING id)
  SELECT nextval('session_versions') AS version, count(*) FROM gone`;
const SWEEP = 'DELETE FROM sessions WHERE expires_at <= now()';

export class SessionDatabase {
  constructor(private readonly pool: Pool) {}

  async save(id: string, data: Data, lifetimeMs: number): Promise<Session> {
    const { rows } = await this.pool.query<Row>(SAVE, [id, JSON.stringify(data), lifetimeMs]);
    const row = rows[0];
    if (!row) throw new Error('PostgreSQL returned no row for a session that was saved');
    return asSession(row);
  }

  async load(id: string): Promise<Session | undefined> {
    const { rows } = await this.pool.query<Row>(LOAD, [id]);
    return rows[0] && asSession(rows[0]);
  }

  /** The session with its new end; undefined when there is none. */
  async touch(id: string, lifetimeMs: number): Promise<Session | undefined> {
    const { rows } = await this.pool.query<Row>(TOUCH, [id, lifetimeMs]);
    return rows[0] && asSession(rows[0]);
  }

  /** The version from which on there is no such session. */
  async destroy(id: string): Promise<number> {
    const { rows } = await this.pool.query<{ version: string }>(DESTROY, [id]);
    return Number(rows[0]?.version);
  }

  /** Removes what has expired; how many. */
  async sweep(): Promise<number> {
    return (await this.pool.query(SWEEP)).rowCount ?? 0;
  }
}
