import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { serverConfigText } from '../src/embedded/server-config.js';
import { EmbeddedNats, EmbeddedNatsError } from '../src/index.js';
import { startServiceProcess } from './service-process.js';
import { until } from './until.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'splicecast-nats-'));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function as(options: ConnectionOptions): Promise<NatsConnection> {
  return connect({ reconnect: false, ...options });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('an embedded NATS server', () => {
  test('starts, keeps its secrets to its owner, stops, and finds its data and passwords again', async () => {
    const first = await EmbeddedNats.start({ dataDir });
    const pid = first.pid ?? 0;
    expect(first.url).toBe(`nats://127.0.0.1:${first.port}`);
    expect(first.version).toMatch(/^\d+\.\d+\.\d+$/);
    const [major = 0, minor = 0] = first.version.split('.').map(Number);
    expect(first.fsyncEveryAppend).toBe(major > 2 || minor >= 10);
    expect(first.warning === undefined).toBe(first.fsyncEveryAppend);
    for (const name of ['nats-server.conf', 'credentials.json']) {
      expect((await stat(join(dataDir, 'nats', name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(dataDir, 'nats'))).mode & 0o777).toBe(0o700);
    const service = await as({ servers: first.url, user: first.user, pass: first.password });
    const manager = await service.jetstreamManager();
    await manager.streams.add({ name: 'kept', subjects: ['kept'] });
    await service.jetstream().publish('kept', 'x');
    await service.close();
    await first.stop();
    expect(isRunning(pid)).toBe(false);

    const second = await EmbeddedNats.start({ dataDir, port: first.port });
    expect([second.port, second.password, second.agentPassword]).toEqual([
      first.port,
      first.password,
      first.agentPassword,
    ]);
    const again = await as({ servers: second.url, user: second.user, pass: second.password });
    expect((await (await again.jetstreamManager()).streams.info('kept')).state.messages).toBe(1);
    await again.close();
    await second.stop();
  });

  test('lets agents hear hints and do nothing else, and strangers nothing at all', async () => {
    const server = await EmbeddedNats.start({ dataDir });
    try {
      const { url: servers, agentUser: user, agentPassword: pass } = server;
      await expect(as({ servers })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
      await expect(as({ servers, user, pass: 'wrong' })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
      const service = await as({ servers, user: server.user, pass: server.password });
      const agent = await as({ servers, user, pass, inboxPrefix: '_INBOX_agent' });
      const heard: string[] = [];
      const refused: string[] = [];
      const listen = (subject: string): void => {
        agent.subscribe(subject, {
          callback: (error, message) => void (error ? refused.push(subject) : heard.push(message.subject)),
        });
      };
      for (const subject of ['feed.debian.>', '_INBOX_agent.x', '>', 'sc.>', 'feed', '_INBOX.>', '$JS.>'])
        listen(subject);
      await agent.flush();
      const told: string[] = [];
      service.subscribe('>', { callback: (_error, message) => void told.push(message.subject) });
      await service.flush();
      for (const subject of ['feed.debian.x', 'sc.bundle.x', 'rq.sign.token', '$JS.API.INFO']) {
        agent.publish(subject, 'hello');
      }
      await agent.flush();
      for (const subject of ['feed.debian.x', 'sc.bundle.x', '_INBOX.y']) service.publish(subject, 'news');
      await service.flush();
      await until(() => refused.length === 5 && heard.length > 0, 'all is heard or refused');
      expect(refused.sort()).toEqual(['$JS.>', '>', '_INBOX.>', 'feed', 'sc.>']);
      expect(heard).toEqual(['feed.debian.x']);
      expect(told.filter((subject) => subject === 'rq.sign.token' || subject === '$JS.API.INFO')).toEqual([]);
      await agent.close();
      await service.close();
    } finally {
      await server.stop();
    }
  });

  test('says that a port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const starting = EmbeddedNats.start({ dataDir, port });
    await expect(starting).rejects.toMatchObject({ code: 'port-in-use', message: expect.stringContaining(`${port}`) });
    other.close();
  });

  test.each([
    ['is not there', undefined],
    ['is another program', '#!/bin/sh\necho hello\n'],
    ['can not run', '#!/bin/sh\nexit 3\n'],
  ])('says what to do where the program %s', async (_what, script) => {
    const binary = join(dataDir, 'nats-server');
    if (script !== undefined) {
      await writeFile(binary, script);
      await chmod(binary, 0o755);
    }
    const starting = EmbeddedNats.start({ dataDir, binary });
    await expect(starting).rejects.toMatchObject({ code: 'no-nats-server' });
    if (script === undefined) await expect(starting).rejects.toThrow('apt-get install -y nats-server');
  });

  test('comes back on its port when it dies', async () => {
    const failures: EmbeddedNatsError[] = [];
    const server = await EmbeddedNats.start({ dataDir, onFailure: (error) => void failures.push(error) });
    const { pid = 0 } = server;
    process.kill(pid, 'SIGKILL');
    await until(() => server.pid !== undefined && server.pid !== pid, 'it runs again');
    const connection = await as({ servers: server.url, user: server.user, pass: server.password });
    await connection.close();
    expect(failures).toEqual([]);
    await server.stop();
  });

  test('refuses a data folder that another living service has', async () => {
    const server = await EmbeddedNats.start({ dataDir });
    await expect(EmbeddedNats.start({ dataDir })).rejects.toMatchObject({ code: 'data-folder-in-use' });
    await server.stop();
  });

  test('does not touch a process that only has an old server’s pid', async () => {
    const bystander = spawn('sleep', ['60']);
    try {
      const server = await EmbeddedNats.start({ dataDir });
      await server.stop();
      const record = {
        server: { pid: bystander.pid, startTicks: (await startTicks(bystander.pid ?? 0)) - 1 },
        parent: { pid: 4_194_305, startTicks: 1 },
      };
      await writeFile(join(dataDir, 'nats', 'server.json'), JSON.stringify(record));
      await (await EmbeddedNats.start({ dataDir })).stop();
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    } finally {
      await end(bystander);
    }
  });

  test.each([
    ['and at once where the system can do that', undefined],
    ['or at the next start where it can not', '/nonexistent'],
  ])('does not outlive a service that is killed with SIGKILL, %s', async (_how, path) => {
    const service = await startServiceProcess(dataDir, path);
    const { pid } = service;
    expect(isRunning(pid)).toBe(true);
    service.process.kill('SIGKILL');
    await once(service.process, 'exit');
    if (path !== undefined) {
      expect(isRunning(pid)).toBe(true);
      await (await EmbeddedNats.start({ dataDir })).stop();
    }
    await until(() => !isRunning(pid), 'the server is gone');
    expect(isRunning(pid)).toBe(false);
  });
});

test('the configuration asks for an fsync on every append only where the server knows that', () => {
  const account = { user: 'u', password: 'p' };
  const config = { host: 'h', port: 1, storeDir: 's', logFile: 'l', credentials: { service: account, agent: account } };
  expect(serverConfigText({ ...config, syncAlways: true })).toContain('sync_interval: always');
  expect(serverConfigText({ ...config, syncAlways: false })).not.toContain('sync_interval');
});

async function startTicks(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19]);
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'exit');
}
