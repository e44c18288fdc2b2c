// SPDX-License-Identifier: BSD-3-Clause
//
// Sessions of a web backend: PostgreSQL has them, Redis has copies (cache-aside).  Redis may be slow, old,
// empty or gone: sessions are then slower, never wrong for who says what version he has seen, and never lost.
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { startTimer } from './metrics.js';
import { isOfRedis, type RedisAccess } from './redis.js';
import { type Copy, SessionCache, versionOf } from './session_cache.js';
import { type Data, type Session, SessionDatabase } from './session_database.js';
import type { SessionSettings } from './settings.js';
import { WriteMemory } from './write_memory.js';

export type { Data, Session } from './session_database.js';

export interface LoadOptions {
  /** The version that the user has seen last, from his cookie: what is older than that is not for him. */
  readonly atLeast?: number;
}

// Writes that a primary may have taken with it when it died are at most so old.
const REPAIR_MS = 30_000;
const REPAIRS_AT_ONCE = 16;
const ID = /^[\w-]{16,128}$/;

/** 256 bits that nobody can guess. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url');
}

export class Sessions {
  readonly #database: SessionDatabase;
  readonly #cache: SessionCache;
  readonly #memory: WriteMemory;
  readonly #loading = new Map<string, Promise<Session | undefined>>();
  readonly #background = new Set<Promise<void>>();

  constructor(private readonly redis: RedisAccess, pool: Pool, private readonly settings: SessionSettings) {
    this.#database = new SessionDatabase(pool);
    this.#cache = new SessionCache(redis, settings.cacheMs);
    this.#memory = new WriteMemory(settings.cacheMs, REPAIR_MS);
    redis.onPrimary(() => {
      this.#inBackground(this.#repair(true));
    });
  }

  /**
   * The session, undefined when there is none. What this process wrote it also reads.
   *
   * @throws the errors of pg, when neither Redis nor PostgreSQL knows
   */
  async load(id: string, { atLeast = 0 }: LoadOptions = {}): Promise<Session | undefined> {
    if (!ID.test(id)) return undefined;
    const seconds = startTimer();
    const least = Math.max(atLeast, this.#memory.version(id));
    const copy = await this.#lookUp(id, least);
    if (copy) {
      this.redis.metrics.loaded('cache', seconds());
      return copy.kind === 'session' && copy.session.expiresAt > Date.now() ? copy.session : undefined;
    }
    const session = await this.#loadFromDatabase(id, least);
    if (session) this.#inBackground(this.#fill(id, session));
    this.redis.metrics.loaded('database', seconds());
    return session;
  }

  /**
   * Writes the whole session; of two that write at the same time the later one counts. Done when
   * PostgreSQL has it. Put the version into the cookie, for load's `atLeast`.
   *
   * @throws the errors of pg; TypeError for an id that is none
   */
  async save(id: string, data: Data): Promise<Session> {
    if (!ID.test(id)) throw new TypeError('a session id has 16 to 128 letters, digits, _ and -; see newSessionId()');
    const seconds = startTimer();
    const session = await this.#database.save(id, data, this.settings.lifetimeMs);
    await this.#written(id, { kind: 'session', session });
    this.redis.metrics.saved(seconds());
    return session;
  }

  /** Lets it last another lifetime from now; undefined when there is none. */
  async touch(id: string): Promise<Session | undefined> {
    if (!ID.test(id)) return undefined;
    const session = await this.#database.touch(id, this.settings.lifetimeMs);
    if (session) await this.#written(id, { kind: 'session', session });
    return session;
  }

  /** No error when there is none. Copies that Redis cannot be told about now go when it can. */
  async destroy(id: string): Promise<void> {
    if (!ID.test(id)) return;
    const version = await this.#database.destroy(id);
    await this.#written(id, { kind: 'gone', version });
  }

  /** Removes expired sessions from PostgreSQL: to be called now and then, by one process. */
  sweep(): Promise<number> {
    return this.#database.sweep();
  }

  /** Waits for what still goes on behind the callers' backs. */
  async settle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** What Redis has, if that is no older than `least`: of a replica, then of the primary. */
  async #lookUp(id: string, least: number): Promise<Copy | undefined> {
    const { metrics } = this.redis;
    try {
      let copy = await this.#cache.get(id, false);
      let isOld = copy === undefined ? least > 0 : versionOf(copy) < least;
      if (isOld) {
        copy = await this.#cache.get(id, true);
        isOld = copy !== undefined && versionOf(copy) < least;
      }
      const isHit = copy !== undefined && copy.kind !== 'dropped' && !isOld;
      metrics.lookedUp(isHit ? 'hit' : isOld || copy ? 'stale' : 'miss');
      return isHit ? copy : undefined;
    } catch (error) {
      if (!isOfRedis(error)) throw error;
      metrics.lookedUp('error');
      return undefined;
    }
  }

  /** Who ask for the same session at the same time share one query, unless it began too early for them. */
  async #loadFromDatabase(id: string, least: number): Promise<Session | undefined> {
    const shared = this.#loading.get(id);
    if (shared) {
      const session = await shared;
      if (session && session.version >= least) return session;
      return this.#database.load(id);
    }
    const query = this.#database.load(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, query);
    return query;
  }

  /** PostgreSQL has it: Redis is told, and if that fails, later. */
  async #written(id: string, copy: Copy): Promise<void> {
    const version = versionOf(copy);
    const forgotten = this.#memory.note(id, version);
    if (forgotten > 0) this.redis.metrics.repaired('skipped', forgotten);
    try {
      await this.#cache.put(id, copy);
      if (this.#memory.owesAny) this.#inBackground(this.#repair(false));
    } catch (error) {
      if (!isOfRedis(error)) throw error;
      this.#memory.owe(id, version);
    }
  }

  async #fill(id: string, session: Session): Promise<void> {
    try {
      await this.#cache.put(id, { kind: 'session', session });
    } catch (error) {
      if (!isOfRedis(error)) throw error;
    }
  }

  /**
   * The primary answers: older copies of what it could not be told are dropped, for all processes. If it
   * has just come, also of what its predecessor acknowledged and may have taken along.
   */
  async #repair(isNewPrimary: boolean): Promise<void> {
    const work = this.#memory.takeRepairs(isNewPrimary).entries();
    const one = async (): Promise<void> => {
      for (const [id, version] of work) {
        try {
          await this.#cache.put(id, { kind: 'dropped', version });
          this.redis.metrics.repaired('done', 1);
        } catch (error) {
          if (!isOfRedis(error)) throw error;
          this.#memory.owe(id, version);
        }
      }
    };
    await Promise.all(Array.from({ length: REPAIRS_AT_ONCE }, one));
  }

  #inBackground(work: Promise<void>): void {
    const settled = work.catch(() => undefined).finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }
}
