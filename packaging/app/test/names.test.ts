// SPDX-License-Identifier: BSD-3-Clause
//
// IPv6 and passwords everywhere; and the example of README.md, which runs as it stands there.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ChildProcess, spawn } from 'node:child_process';
import { freePort, GROUP, House, Lab, type Postgres, waitUntil } from './lab.js';
import { newSessionId } from '../src/sessions.js';
import { Backend, makeSchema } from './stage.js';

const lab = new Lab();
let postgres: Postgres;
let house: House;
let backend: Backend | undefined;
let example: ChildProcess | undefined;

before(async () => {
  [postgres, house] = await Promise.all([
    lab.postgres(),
    House.build(lab, { host: '::1', password: 's3cret@of:the/servers%', sentinelPassword: 's3cret-of-the-vedettes' }),
  ]);
  await makeSchema(postgres);
});

after(async () => {
  try {
    example?.kill('SIGKILL');
    await backend?.close();
  } finally {
    await lab.close();
  }
});

describe('IPv6 and passwords', () => {
  it('through a switchover', async () => {
    backend = await new Backend({ ...house.environment, REDIS_FAMILY: '6' }, postgres).ready();
    const id = newSessionId();
    const saved = await backend.sessions.save(id, { n: 1 });
    const old = await house.primary();
    await house.vedettes[1]?.ask('SENTINEL', 'FAILOVER', GROUP, 'COORDINATED');
    await house.waitSwitch(old);
    await backend.ready();
    assert.deepEqual(await backend.sessions.load(id, { atLeast: saved.version }), saved);
    await backend.redis.write((primary) => primary.set('after', 'all'));
  });

  it('that are wrong are told, and sessions go on', async () => {
    const wrong = new Backend({ ...house.environment, REDIS_PASSWORD: 'wrong' }, postgres);
    try {
      await waitUntil('it is said', () => wrong.lines.some((line) => line.includes('WRONGPASS')));
      const id = newSessionId();
      await wrong.sessions.save(id, { n: 1 });
      assert.deepEqual((await wrong.sessions.load(id))?.data, { n: 1 });
    } finally {
      await wrong.close();
    }
  });
});

describe('the example of README.md', () => {
  it('serves, counts and ends', async () => {
    const port = await freePort('127.0.0.1');
    const environment = {
      ...process.env, ...house.environment, PORT: `${port}`,
      DATABASE_URL: `postgres://app@127.0.0.1:${postgres.port}/postgres`,
    };
    const child = spawn(process.execPath, ['dist/readme/example_1.js'], { env: environment, stdio: 'inherit' });
    example = child;
    const ask = (path: string, cookie = ''): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
    const first = await waitUntil('it answers', () => ask('/'));
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const second = await ask('/', cookie);
    assert.match(await second.text(), /^your view 2(?:, visit \d+ of all)?\n$/);
    await waitUntil('visits are counted', async () => /^your view 1, visit \d+ of all\n$/.test(await (await ask('/')).text()));
    assert.match(await (await ask('/metrics')).text(), /^app_session_cache_hit_ratio [\d.]+$/m);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  });
});
