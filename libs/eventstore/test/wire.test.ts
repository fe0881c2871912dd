import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedNats, openConnection } from '../src/index.js';
import { Wire } from '../src/jetstream/wire.js';

let dataDir: string;
let server: EmbeddedNats;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'splicecast-wire-'));
  server = await EmbeddedNats.start({ dataDir });
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function wired(): Promise<Wire> {
  const connection = await openConnection(server.service);
  return new Wire(connection, await connection.jetstreamManager(), 15_000, 30_000);
}

describe('a wire is cut', () => {
  it('when its connection is closed, by whomever', async () => {
    const wire = await wired();
    const cut = new Promise<void>((resolve) => wire.onCut(resolve));
    await wire.connection.close();
    await cut;
    expect(wire.isClosed).toBe(true);
  });

  it('when the server goes away, and stands again with it', async () => {
    const wire = await wired();
    const cut = new Promise<void>((resolve) => wire.onCut(resolve));
    process.kill(server.pid ?? 0, 'SIGKILL');
    await cut;
    expect(wire.isClosed).toBe(false);
    expect((await wire.ask(() => wire.manager.getAccountInfo())).limits).toBeDefined();
    await wire.connection.close();
  });
});
