// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseReplica } from '../src/connection.js';
import { HitWindow } from '../src/hit_window.js';
import { decode } from '../src/session_cache.js';
import { parseEndpoint, readRedisSettings, readSessionSettings, SettingsError } from '../src/settings.js';
import { WriteMemory } from '../src/write_memory.js';

function faults(env: Record<string, string>): readonly string[] {
  try {
    readRedisSettings(env);
  } catch (error) {
    assert(error instanceof SettingsError);
    return error.faults;
  }
  return [];
}

describe('settings', () => {
  it('takes Sentinel mode where sentinels are named', () => {
    const settings = readRedisSettings({
      REDIS_SENTINELS: 's1.internal:26379, s2.internal ,[::1]:26381', REDIS_URL: 'redis://old:6379',
      REDIS_SENTINEL_GROUP: 'main', REDIS_SENTINEL_PASSWORD: 'a', REDIS_PASSWORD: 'b', REDIS_USERNAME: 'app', REDIS_FAMILY: '6',
    });
    assert(settings.mode === 'sentinel');
    assert.deepEqual(settings.sentinels, [
      { host: 's1.internal', port: 26379 }, { host: 's2.internal', port: 26379 }, { host: '::1', port: 26381 },
    ]);
    assert.deepEqual(
      [settings.group, settings.sentinelPassword, settings.password, settings.username, settings.family],
      ['main', 'a', 'b', 'app', 6],
    );
  });

  it('goes back to the single server by one variable', () => {
    const env = { REDIS_SENTINELS: 's1:26379', REDIS_URL: 'redis://old:6379/2' };
    assert.equal(readRedisSettings(env).mode, 'sentinel');
    const settings = readRedisSettings({ ...env, REDIS_SINGLE: 'yes' });
    assert(settings.mode === 'single');
    assert.equal(settings.url, 'redis://old:6379/2');
    assert.equal(readRedisSettings({ ...env, REDIS_SINGLE: 'no' }).mode, 'sentinel');
    assert.equal(readRedisSettings({ REDIS_URL: 'rediss://x:1' }).mode, 'single');
  });

  it('names every fault, its variable and the remedy', () => {
    assert.deepEqual(
      faults({ REDIS_SENTINELS: 'a:0,::1:26379,b:26379', REDIS_FAMILY: '5', REDIS_DB: '-1', REDIS_TIMEOUT_MS: '1e3' }).map((f) => f.split(':')[0]),
      ['REDIS_DB', 'REDIS_FAMILY', 'REDIS_TIMEOUT_MS', 'REDIS_SENTINELS', 'REDIS_SENTINELS'],
    );
    assert.match(faults({})[0] ?? '', /REDIS_SENTINELS: is not set, nor is REDIS_URL/);
    assert.match(faults({ REDIS_SINGLE: 'yes', REDIS_SENTINELS: 'a:1' })[0] ?? '', /REDIS_SINGLE: is set, but REDIS_URL/);
    assert.match(faults({ REDIS_SINGLE: 'maybe', REDIS_SENTINELS: 'a:1' })[0] ?? '', /REDIS_SINGLE: 'maybe' is neither/);
    assert.match(faults({ REDIS_SENTINELS: ' , ' })[0] ?? '', /REDIS_SENTINELS: names nobody/);
    assert.throws(() => readSessionSettings({ SESSION_CACHE_S: '0' }), /SESSION_CACHE_S: '0' is not a whole number from 1/);
  });

  it('does not show the password of a URL that is wrong', () => {
    const [fault = ''] = faults({ REDIS_URL: 'http://user:hush@host' });
    assert.match(fault, /^REDIS_URL: /);
    assert(!fault.includes('hush'));
  });

  it('reads endpoints', () => {
    assert.deepEqual(parseEndpoint('[fd00::1%eth0]'), { host: 'fd00::1%eth0', port: 26379 });
    for (const wrong of ['', ':1', 'a:', 'a:b', 'a:65536', '[::1', 'a b:1', 'u@h:1', 'redis://h:1']) {
      assert.equal(parseEndpoint(wrong), undefined, wrong);
    }
  });
});

describe('parts', () => {
  it('spreads connections over the replicas that are in sync', () => {
    const replica = (port: string, link: string) => ({ ip: '10.0.0.1', port, flags: 'slave', 'master-link-status': link });
    const all = [replica('3', 'ok'), replica('1', 'err'), replica('2', 'ok')];
    assert.deepEqual([0, 1, 2].map((place) => chooseReplica(place, all)?.port), ['2', '3', '2']);
    assert.equal(chooseReplica(0, [replica('1', 'err')])?.port, '1');
    assert.equal(chooseReplica(0, []), undefined);
  });

  it('counts the hit rate of the last five minutes only', () => {
    const window = new HitWindow();
    assert(Number.isNaN(window.ratio(0)));
    for (let i = 0; i < 10; i++) window.count(i < 9, 1000);
    assert.equal(window.ratio(299_000), 0.9);
    window.count(false, 299_000);
    assert.equal(window.ratio(299_999), 9 / 11);
    assert.equal(window.ratio(300_000), 0, 'the first slot is over');
    assert(Number.isNaN(window.ratio(900_000)));
  });

  it('remembers writes for a time, and no more than it has room for', () => {
    const memory = new WriteMemory(1000, 100, 3);
    assert.equal(memory.note('a', 5, 0), 0);
    memory.note('a', 4, 1);
    assert.equal(memory.version('a', 10), 5, 'an older version does not replace a newer one');
    assert.equal(memory.version('a', 1000), 0, 'no older copy can be left');
    memory.note('b', 6, 20);
    memory.owe('b', 5);
    assert.equal(memory.owesAny, false, 'that debt is about another version');
    memory.owe('b', 6);
    assert.deepEqual([...memory.takeRepairs(true, 110)], [['b', 6]], 'a is too old to have been lost');
    assert.deepEqual([...memory.takeRepairs(false, 110)], [], 'no longer owed');
    assert.deepEqual([...memory.takeRepairs(true, 110)], [['b', 6]], 'a new primary may lack it all the same');
    memory.owe('b', 6);
    memory.note('c', 7, 30);
    memory.note('d', 8, 40);
    assert.equal(memory.version('a', 40), 0, 'no room');
    assert.equal(memory.note('e', 9, 50), 1, 'what was owed for b is forgotten');
  });

  it('reads its own copies only', () => {
    assert.deepEqual(decode('7 gone'), { kind: 'gone', version: 7 });
    assert.deepEqual(decode('7 session 9 {"a":"\\n"}'), {
      kind: 'session', session: { version: 7, expiresAt: 9, data: { a: '\n' } },
    });
    for (const foreign of ['', 'x', '7', '7 session 9 {', '7 session 9 [1]', '-1 gone', '7 session x {}']) {
      assert.equal(decode(foreign), undefined, foreign);
    }
  });
});
