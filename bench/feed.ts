import { cpus, loadavg } from 'node:os';
import { JSONCodec } from 'nats';
import { fact } from '#libs/contracts';
import type { FromCheckIns, ToCheckIns } from './feed/check-ins.js';
import type { FromCrowd } from './feed/crowd.js';
import { Estate, spread } from './feed/estate.js';
import type { ToStreams } from './feed/event-streams.js';
import type { FromListeners, ToListeners } from './feed/listeners.js';
import { type Asked, options, type Part, usage } from './feed/options.js';
import { measureRates } from './feed/rates.js';
import { type Report, show } from './feed/report.js';
import { measureRestart } from './feed/restart.js';
import { type Compared, inTurn, type Spread } from './feed/spread.js';
import { WireMeter } from './feed/wire-bytes.js';
import { type FeedProcess, plainServer, type Worker } from './feed/world.js';

type Listeners = Worker<ToListeners, FromListeners>;
type Streams = Worker<ToStreams, FromCrowd>;

/** Everybody there is, and who plays them. */
interface Cast {
  readonly own: Listeners;
  readonly streams: Streams;
  readonly checking: Worker<ToCheckIns, FromCheckIns>;
  readonly meter: WireMeter;
  readonly connected: number;
}

/** Connects the agents, and writes of all machines. The streams begin when the feed runs. */
async function gather(estate: Estate, { agents, streams: streamCount, checkIns }: Asked): Promise<Cast> {
  const { seeds, nats, subject, keysFolder } = estate;
  const own = estate.worker<ToListeners, FromListeners>('listeners');
  const listening = await own.ask({ do: 'connect', port: nats.port, subject, count: agents, keysFolder });
  const streams = estate.worker<ToStreams, FromCrowd>('event-streams');
  const streaming = await streams.ask({ do: 'make', count: streamCount });
  const checking = estate.worker<ToCheckIns, FromCheckIns>('check-ins');
  const { machines = [] } = await checking.ask({ do: 'make', machines: Math.min(checkIns, 3_000) });
  const meter = new WireMeter();
  await seeds.license('fan-out', agents);
  await seeds.machines('fan-out', listening.machines ?? []);
  await seeds.license('streams', streamCount);
  await seeds.machines('streams', streaming.machines ?? []);
  await seeds.license('check-ins', 4_000);
  await seeds.machines('check-ins', [...machines, meter.machine]);
  return { own, streams, checking, meter, connected: listening.connected ?? 0 };
}

/** Promotes a bundle, and says as much on a plain server to as many, in turn. */
async function fanOut(estate: Estate, own: Listeners, { agents, rounds }: Asked) {
  const { subject } = estate;
  const bare = await plainServer();
  estate.onClose(() => bare.stop());
  const plain = estate.worker<ToListeners, FromListeners>('listeners');
  const { connected = 0 } = await plain.ask({ do: 'connect', port: bare.port, subject, count: agents });
  const compared = await inTurn(
    rounds,
    async () => promotion(estate, own),
    (position) =>
      spread(plain, 'heard', () => {
        const hint = { schema: 1, action: 'published', bundleId: 'b1', position };
        bare.connection.publish(subject, JSONCodec().encode(hint));
        return bare.connection.flush();
      }),
  );
  plain.stop();
  return { fanOut: compared, plain: connected };
}

async function promotion(estate: Estate, crowd: Listeners | Streams): Promise<Spread> {
  const bundleId = await estate.bundle();
  return spread(crowd, 'heard', () => estate.promote(bundleId));
}

/** The same by server-sent events, beside Node's own server that writes the same to as many. */
async function streamed(estate: Estate, streams: Streams, feed: FeedProcess, { rounds, streams: count }: Asked) {
  const { connected = 0 } = await streams.ask({ do: 'connect', port: feed.port });
  const server = estate.worker<string, { port?: number }>('plain-streams');
  const { port = 0 } = await server.next();
  const plain = estate.worker<ToStreams, FromCrowd>('event-streams');
  await plain.ask({ do: 'make', count });
  await plain.ask({ do: 'connect', port });
  const compared: Compared = await inTurn(
    rounds,
    async () => promotion(estate, streams),
    (position) => {
      const hint = JSON.stringify({ schema: 1, action: 'published', bundleId: 'b1', position });
      return spread(plain, 'heard', () => server.ask(`id: ${position}\nevent: hint\ndata: ${hint}\n\n`));
    },
  );
  plain.stop();
  const streamsRevoked = await spread(streams, 'closed', () => revoke(estate, 'streams'));
  return { streams: compared, streamsRevoked, connected };
}

function revoke({ seeds }: Estate, licenseId: string): Promise<void> {
  return seeds.write(`license.${licenseId}`, fact('LicenseRevoked', { licenseId, reason: 'unpaid' }));
}

async function bench(estate: Estate, asked: Asked): Promise<Report> {
  const loadBefore = loadavg()[0] ?? 0;
  const asks = (part: Part): boolean => asked.only.includes(part);
  const { own, streams, checking, meter, connected } = await gather(estate, asked);
  const feed = await estate.startFeed(asked.profile);
  const agents = { connected, plain: 0, streams: 0 };
  const parts: Partial<Pick<Report, 'fanOut' | 'streams' | 'streamsRevoked' | 'recall' | 'rates' | 'bytes'>> & {
    restart?: Report['restart'];
    afterRestart?: Spread;
  } = {};
  if (asks('fan-out')) {
    const { plain, ...measured } = await fanOut(estate, own, asked);
    agents.plain = plain;
    const recalled = fact('BundleRecalled', { bundleId: 'b1', reason: 'worse than the bug' });
    Object.assign(parts, measured, {
      recall: await spread(own, 'heard', () => estate.seeds.write('bundle.b1', recalled)),
    });
  }
  if (asks('streams')) {
    const { connected: streaming, ...measured } = await streamed(estate, streams, feed, asked);
    agents.streams = streaming;
    Object.assign(parts, measured);
  }
  if (asks('check-ins')) {
    const rates = await measureRates(estate, checking, feed, { rounds: asked.rounds, count: asked.checkIns });
    Object.assign(parts, { rates, bytes: await meter.measure(feed.port) });
  }
  if (asks('restart')) {
    parts.restart = await measureRestart(estate, feed, own);
    parts.afterRestart = await promotion(estate, own);
  }
  const revocation = await spread(own, 'closed', () => revoke(estate, 'fan-out'));
  const [loadAfter = 0] = loadavg();
  const { rounds } = asked;
  const machine = { natsServer: estate.nats.version, cpus: cpus().length, loadBefore, loadAfter };
  return { schema: 2, ...machine, rounds, agents, ...parts, revocation };
}

try {
  const asked = options();
  const estate = await Estate.make();
  try {
    const report = await bench(estate, asked);
    process.stdout.write(asked.json ? `${JSON.stringify(report, null, 2)}\n` : show(report));
  } finally {
    await estate.close();
  }
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
