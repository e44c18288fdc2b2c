// SPDX-License-Identifier: BSD-3-Clause
//
// Real servers on loopback for the tests: Redis, vedettes, PostgreSQL.  They live in a private directory
// and end with the test, or with this process, whichever is first.  Nothing waits by guess.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

export const GROUP = 'mymaster';
const PATIENCE_MS = 30_000;

/** The first truthy value of condition(), which may throw until then. Fails at the deadline. */
export async function waitUntil<T>(what: string, condition: () => T | Promise<T>, ms = PATIENCE_MS): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}; last: ${String(last)}`);
    await sleep(5);
  }
}

export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export class Process {
  child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  constructor(readonly name: string, private readonly log: string, private readonly argv: readonly string[]) {}

  spawn(): void {
    const out = openSync(this.log, 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...this.argv], { stdio: ['ignore', out, out] });
    this.child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => { resolve(); }));
  }

  get isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    this.child?.kill(signal);
    this.child?.kill('SIGCONT');
    await this.#ended;
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  tail(): string {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n').slice(-15).join('\n') : '';
  }
}

/** Anything that speaks RESP, and a connection to ask it. */
export class Server extends Process {
  #client: Redis | undefined;
  constructor(
    name: string, log: string, argv: readonly string[],
    readonly host: string, readonly port: number, private readonly password: string | undefined,
  ) {
    super(name, log, argv);
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  async start(): Promise<this> {
    this.spawn();
    await waitUntil(`${this.name} answers; its log: ${this.tail()}`, () => this.ask('PING'));
    return this;
  }

  async ask(...words: [string, ...string[]]): Promise<unknown> {
    if (!this.#client) {
      this.#client = new Redis({
        host: this.host, port: this.port, family: 0, maxRetriesPerRequest: 0, retryStrategy: () => 20,
        enableReadyCheck: false, ...(this.password === undefined ? {} : { password: this.password }),
      });
      this.#client.on('error', () => undefined);
    }
    const [command, ...rest] = words;
    return this.#client.call(command, ...rest);
  }

  hangUp(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}

/** PostgreSQL runs as no root, as nobody may run it. */
export class Postgres extends Process {
  constructor(log: string, argv: readonly string[], readonly port: number) {
    super('postgres', log, argv);
  }

  pool(max = 10): Pool {
    return new Pool({ host: '127.0.0.1', port: this.port, user: 'app', database: 'postgres', max, connectionTimeoutMillis: 30_000 });
  }
}

function findPostgres(): string {
  const root = '/usr/lib/postgresql';
  const newest = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a))[0] : undefined;
  if (newest === undefined) throw new Error('no PostgreSQL: sh packaging/install-deps.sh --app');
  return join(root, newest, 'bin');
}

export interface HouseOptions {
  readonly host?: string;
  readonly password?: string;
  readonly sentinelPassword?: string;
  readonly replicas?: number;
  readonly downAfterMs?: number;
}

export class Lab {
  readonly dir = mkdtempSync(join(tmpdir(), 'vd-app-'));
  readonly #processes: Process[] = [];
  #count = 0;

  constructor() {
    chmodSync(this.dir, 0o755);
  }

  async redis(host: string, lines: readonly string[], password?: string): Promise<Server> {
    const port = await freePort(host);
    const name = `redis-${this.#count++}`;
    const config = join(this.dir, `${name}.conf`);
    const secret = password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`];
    writeFileSync(config, [
      `port ${port}`, `bind ${host}`, `dir ${this.dir}`, `dbfilename ${name}.rdb`, 'save ""', 'appendonly no',
      'repl-diskless-sync-delay 0', 'shutdown-timeout 0', ...secret, ...lines, '',
    ].join('\n'));
    return this.#add(new Server(name, join(this.dir, `${name}.log`), ['redis-server', config], host, port, password)).start();
  }

  async vedette(host: string, lines: readonly string[], password?: string): Promise<Server> {
    const program = process.env.VEDETTE;
    if (program === undefined) throw new Error('VEDETTE is not set: the path of the program');
    const port = await freePort(host);
    const name = `vedette-${this.#count++}`;
    const config = join(this.dir, `${name}.conf`);
    const secret = password === undefined ? [] : [`requirepass ${password}`];
    writeFileSync(config, [`port ${port}`, `bind ${host}`, 'sentinel abstain 0', ...secret, ...lines, ''].join('\n'));
    const argv = [program, config, '--state-dir', join(this.dir, name)];
    return this.#add(new Server(name, join(this.dir, `${name}.log`), argv, host, port, password)).start();
  }

  async postgres(): Promise<Postgres> {
    const bin = findPostgres();
    const port = await freePort('127.0.0.1');
    const data = mkdtempSync(join(this.dir, 'postgres-'));
    const as: string[] = [];
    if (process.getuid?.() === 0) {
      const [, , uid = '', gid = ''] = execFileSync('getent', ['passwd', 'postgres'], { encoding: 'utf8' }).split(':');
      chownSync(data, Number(uid), Number(gid));
      as.push('--reuid', uid, '--regid', gid, '--clear-groups');
    }
    const initdb = [...as, join(bin, 'initdb'), '-D', data, '-U', 'app', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C'];
    execFileSync('setpriv', initdb, { stdio: 'pipe', cwd: '/' });
    const argv = [...as, join(bin, 'postgres'), '-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1',
      '-c', `unix_socket_directories=${data}`, '-c', 'fsync=off', '-c', 'shared_buffers=16MB'];
    const postgres = this.#add(new Postgres(join(this.dir, 'postgres.log'), argv, port));
    postgres.spawn();
    const pool = postgres.pool(1);
    await waitUntil('PostgreSQL answers', () => pool.query('SELECT 1'));
    await pool.end();
    return postgres;
  }

  #add<T extends Process>(one: T): T {
    this.#processes.push(one);
    return one;
  }

  /** Ends everything. What a vedette said when it was not well is an error. */
  async close(): Promise<void> {
    for (const one of this.#processes) if (one instanceof Server) one.hangUp();
    await Promise.all(this.#processes.map((one) => one.end(one instanceof Postgres ? 'SIGINT' : 'SIGKILL')));
    const logs = this.#processes.filter((one) => one.name.startsWith('vedette')).map((one) => one.tail()).join('\n');
    rmSync(this.dir, { recursive: true, force: true });
    if (/Sanitizer|runtime error:|assert/i.test(logs)) throw new Error(`a vedette was not well:\n${logs}`);
  }
}

/** A primary, its replicas, three vedettes. */
export class House {
  private constructor(
    readonly servers: readonly Server[], readonly vedettes: readonly Server[], readonly environment: Record<string, string>,
  ) {}

  static async build(lab: Lab, options: HouseOptions = {}): Promise<House> {
    const { host = '127.0.0.1', password, sentinelPassword, replicas = 2, downAfterMs = 600 } = options;
    const primary = await lab.redis(host, [], password);
    const servers = [primary];
    for (let i = 0; i < replicas; i++) servers.push(await lab.redis(host, [`replicaof ${primary.host} ${primary.port}`], password));
    const lines = [
      `sentinel monitor ${GROUP} ${primary.host} ${primary.port} 2`,
      `sentinel down-after-milliseconds ${GROUP} ${downAfterMs}`,
      `sentinel failover-timeout ${GROUP} 10000`,
      ...(password === undefined ? [] : [`sentinel auth-pass ${GROUP} ${password}`]),
      ...(sentinelPassword === undefined ? [] : [`sentinel sentinel-pass ${sentinelPassword}`]),
    ];
    const vedettes = await Promise.all([0, 1, 2].map(() => lab.vedette(host, lines, sentinelPassword)));
    const house = new House(servers, vedettes, {
      REDIS_SENTINELS: vedettes.map((one) => (host.includes(':') ? `[${one.host}]:${one.port}` : one.address)).join(','),
      REDIS_SENTINEL_GROUP: GROUP,
      REDIS_SENTINEL_PASSWORD: sentinelPassword ?? '',
      REDIS_PASSWORD: password ?? '',
      REDIS_TIMEOUT_MS: '1000',
      REDIS_BREAKER_RESET_MS: '300',
      REDIS_BREAKER_WINDOW_MS: '2000',
    });
    await house.waitReady();
    return house;
  }

  /** All that a test before may have killed or stopped. */
  async restore(): Promise<void> {
    for (const one of [...this.servers, ...this.vedettes]) {
      one.resume();
      if (!one.isRunning) await one.start();
    }
  }

  /** Whom all the vedettes that live name, when they agree. */
  async primary(): Promise<Server> {
    const live = this.vedettes.filter((one) => one.isRunning);
    const named = await Promise.all(live.map((one) => one.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', GROUP)));
    const addresses = new Set(named.map((one) => (Array.isArray(one) ? one.join(':') : '?')));
    const server = this.servers.find((one) => addresses.size === 1 && addresses.has(one.address));
    if (!server) throw new Error(`no agreement: ${[...addresses].join(' ')}`);
    return server;
  }

  /** Until every vedette knows everybody, and all that run follow the primary. */
  async waitReady(): Promise<Server> {
    const running = this.servers.filter((one) => one.isRunning).length;
    return waitUntil('the house is ready', async () => {
      const primary = await this.primary();
      for (const vedette of this.vedettes.filter((one) => one.isRunning)) {
        const replicas = (await vedette.ask('SENTINEL', 'REPLICAS', GROUP)) as string[][];
        const linked = replicas.filter((fields) => fields.join(' ').includes('master-link-status ok'));
        const check = String(await vedette.ask('SENTINEL', 'CKQUORUM', GROUP));
        if (linked.length < running - 1 || !check.startsWith('OK 3') || replicas.some((one) => one.join(' ').includes('s_down')))
          throw new Error(`${vedette.name}: ${linked.length} linked; ${check}`);
      }
      return primary;
    });
  }

  async waitSwitch(old: Server): Promise<Server> {
    return waitUntil('another primary', async () => {
      const primary = await this.primary();
      return primary !== old && String(await primary.ask('ROLE')).startsWith('master') ? primary : undefined;
    });
  }
}
