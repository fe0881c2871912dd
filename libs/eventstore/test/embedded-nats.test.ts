import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { freePort } from '../src/embedded/free-port.js';
import { serverConfigText } from '../src/embedded/server-config.js';
import { openBrokerKeys, serviceUser } from '#libs/broker';
import { EmbeddedNats, EmbeddedNatsError, openConnection } from '../src/index.js';
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
    for (const name of ['nats-server.conf', 'broker-keys.json']) {
      expect((await stat(join(dataDir, 'nats', name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(dataDir, 'nats'))).mode & 0o777).toBe(0o700);
    const service = await openConnection(first.service);
    const manager = await service.jetstreamManager();
    await manager.streams.add({ name: 'kept', subjects: ['kept'] });
    await service.jetstream().publish('kept', 'x');
    await service.close();
    await first.stop();
    expect(isRunning(pid)).toBe(false);

    const second = await EmbeddedNats.start({ dataDir, port: first.port });
    expect(second.port).toBe(first.port);
    // What was let in by the first is let in by the second.
    const again = await openConnection({ ...first.service, servers: second.url });
    expect((await (await again.jetstreamManager()).streams.info('kept')).state.messages).toBe(1);
    await again.close();
    await second.stop();
  });

  test('lets each user do what its token says, in its own account, and strangers nothing at all', async () => {
    const server = await EmbeddedNats.start({ dataDir });
    try {
      const { url: servers } = server;
      await expect(as({ servers })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
      await expect(as({ servers, user: 'u', pass: 'p' })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
      const other = await openBrokerKeys(join(dataDir, 'other'));
      await expect(openConnection({ servers, credentials: serviceUser(other) })).rejects.toMatchObject({
        code: 'unavailable',
      });
      const stolen = { token: serviceUser(server.keys).token, key: other.serviceUser };
      await expect(openConnection({ servers, credentials: stolen })).rejects.toMatchObject({ code: 'unavailable' });

      const [service, publisher] = [await openConnection(server.service), await openConnection(server.publisher)];
      const heard: string[] = [];
      service.subscribe('>', { callback: (_error, { subject }) => void heard.push(subject) });
      await service.flush();
      for (const subject of ['feed.debian.x', 'sc.bundle.x', '$JS.API.INFO']) publisher.publish(subject, 'hello');
      await publisher.flush();
      service.publish('sc.bundle.y', 'news');
      await service.flush();
      await until(() => heard.length > 0, 'its own is heard');
      expect(heard).toEqual(['sc.bundle.y']);
      await publisher.close();
      await service.close();
    } finally {
      await server.stop();
    }
  });

  test('takes over the log of a server that knew no accounts', async () => {
    const storeDir = join(dataDir, 'nats', 'jetstream');
    await mkdir(join(dataDir, 'nats'), { recursive: true });
    const plain = join(dataDir, 'plain.conf');
    const port = await freePort('127.0.0.1', undefined);
    await writeFile(plain, `host: "127.0.0.1"\nport: ${port}\njetstream { store_dir: ${JSON.stringify(storeDir)} }\n`);
    const before = spawn('/usr/sbin/nats-server', ['-c', plain], { stdio: 'ignore' });
    const connection = await connect({ servers: `nats://127.0.0.1:${port}`, waitOnFirstConnect: true });
    await (await connection.jetstreamManager()).streams.add({ name: 'kept', subjects: ['kept'] });
    await connection.jetstream().publish('kept', 'x');
    await connection.close();
    await end(before);

    for (let start = 0; start < 2; start += 1) {
      const server = await EmbeddedNats.start({ dataDir });
      const service = await openConnection(server.service);
      const { state } = await (await service.jetstreamManager()).streams.info('kept');
      expect(state.messages).toBe(1);
      await service.close();
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
    const connection = await openConnection(server.service);
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

test('the configuration asks for an fsync on every append only where the server knows that', async () => {
  const keys = await openBrokerKeys(dataDir);
  const config = { host: 'h', port: 1, storeDir: 's', accountsDir: 'a', logFile: 'l', keys };
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
