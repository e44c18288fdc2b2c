// SPDX-License-Identifier: BSD-3-Clause
//
// Copies of sessions in Redis.  A copy says of which version it is, and a newer one is never replaced by
// an older one, in whatever order writers, slow readers and repeated commands arrive.
import type { RedisAccess } from './redis.js';
import type { Data, Session } from './session_database.js';

/**
 * What Redis has: a session; that it was destroyed (gone); or that its writer could not say what it is
 * by now (dropped), and the database must be asked.
 */
export type Copy =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'gone' | 'dropped'; readonly version: number };

export function versionOf(copy: Copy): number {
  return copy.kind === 'session' ? copy.session.version : copy.version;
}

// KEYS: the copy. ARGV: its version, text, and time to live in ms.
const PUT = `
  local old = redis.call('GET', KEYS[1])
  if old then
    local was, new = tonumber(string.match(old, '^%d+') or '0'), tonumber(ARGV[1])
    if was > new or was == new and not string.find(old, '^%d+ dropped') then return 0 end
  end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`;

function encode(copy: Copy): string {
  if (copy.kind !== 'session') return `${copy.version} ${copy.kind}`;
  const { version, expiresAt, data } = copy.session;
  return `${version} session ${expiresAt} ${JSON.stringify(data)}`;
}

/** Undefined for what nobody of us has written. */
export function decode(text: string): Copy | undefined {
  const match = /^(\d{1,15}) (?:(gone|dropped)|session (\d{1,15}) (\{.*\}))$/s.exec(text);
  if (!match) return undefined;
  const version = Number(match[1]);
  if (match[2] === 'gone' || match[2] === 'dropped') return { kind: match[2], version };
  try {
    const data = JSON.parse(match[4] ?? '') as Data;
    return { kind: 'session', session: { data, version, expiresAt: Number(match[3]) } };
  } catch {
    return undefined;
  }
}

export class SessionCache {
  /** `cacheMs`: how long a copy stays. */
  constructor(private readonly redis: RedisAccess, private readonly cacheMs: number) {}

  /** @throws RedisUnavailable */
  async get(id: string, fresh: boolean): Promise<Copy | undefined> {
    const text = await this.redis.read((connection) => connection.get(key(id)), { fresh });
    return text === null ? undefined : decode(text);
  }

  /** @throws RedisUnavailable */
  async put(id: string, copy: Copy): Promise<void> {
    const left = copy.kind === 'session' ? copy.session.expiresAt - Date.now() : this.cacheMs;
    const ttl = Math.ceil(Math.min(left, this.cacheMs));
    if (ttl <= 0) return;
    await this.redis.write((primary) => primary.eval(PUT, 1, key(id), versionOf(copy), encode(copy), ttl));
  }
}

function key(id: string): string {
  return `session:${id}`;
}
