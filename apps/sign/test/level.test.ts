import { openBundle } from '#libs/bundle';
import { type EventData, fact, type LevelContent } from '#libs/contracts';
import { PoisonMessage, type RecordedEvent } from '#libs/eventstore';
import { buildFix, kernel, moduleBytes, record, type SignUnderTest, splitDrop, startSign } from './sign.fixture.js';

let under: SignUnderTest;
beforeEach(async () => {
  under = await startSign();
});
afterEach(async () => under.stop());

const replaced = {
  object: 'vmlinux',
  symbol: 'do_fcntl',
  sympos: 0,
  objectFile: 'fs/fcntl.o',
  oldSha256: 'a'.repeat(64),
  newSha256: 'b'.repeat(64),
  sizeBytes: 10,
};

interface Changed {
  readonly asked?: readonly string[];
  readonly fixIds?: readonly string[];
  readonly functions?: LevelContent['functions'];
  readonly vermagic?: string;
}

/** A level of the one fix there is. @returns the event that asks for a bundle. */
async function builtLevel({
  asked = ['f1'],
  fixIds = ['f1'],
  functions = [replaced],
  vermagic,
}: Changed = {}): Promise<RecordedEvent> {
  await splitDrop(under);
  await buildFix(under, moduleBytes());
  const bytes = moduleBytes({ name: 'splicecast_level_4', ...(vermagic === undefined ? {} : { vermagic }) });
  const module = await under.blobs.put(bytes);
  const content: LevelContent = { schema: 1, functions, warnings: [] };
  const told = await under.blobs.put(Buffer.from(JSON.stringify(content)));
  const level = { kernelId: 'k1', level: 4 };
  return record(
    under.events,
    'level.k1',
    fact('LevelProposed', { ...level, fixIds: [...asked], leaveOut: true }),
    fact('LevelBuilt', {
      ...level,
      fixIds: [...fixIds],
      module: { name: 'splicecast_level_4', digest: module.digest, sizeBytes: module.sizeBytes },
      content: told.digest,
      functions: functions.length,
      runPre: { matched: 1, checked: 1 },
      warnings: 0,
      leftOut: [],
      durationMs: 1,
    }),
  );
}

/** What was assembled of the level. */
async function assembled() {
  const found: EventData<'BundleAssembled'>[] = [];
  const end = await under.events.lastPosition();
  await new Promise<void>((resolve) => {
    under.events.subscribe({ from: 1 }, async ({ events, position }) => {
      for (const { fact: one } of events) if (one.type === 'BundleAssembled') found.push(one.data);
      if (position === end) resolve();
    });
  });
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}

describe('a level', () => {
  it('becomes a bundle that says its number, what it contains, and that it replaces', async () => {
    const event = await builtLevel({ asked: ['f1', 'left-out'] });
    await under.sign.level(event);
    await under.sign.level(event);
    const data = await assembled();
    expect(data).toMatchObject({ fixIds: ['f1'], level: 4, kernelId: 'k1' });
    const bundle = await openBundle(await under.blobs.read(data?.artefact ?? ''));
    expect(bundle.manifest).toMatchObject({
      kernel,
      level: 4,
      replace: true,
      reversible: true,
      module: 'splicecast_level_4',
      fixes: [{ fixId: 'f1', subject: 'fcntl: check it', cves: ['CVE-2026-1'] }],
      functions: [{ symbol: 'do_fcntl' }],
    });
  });

  it.each<[string, Changed]>([
    ['lacks a function that its fix replaces', { functions: [{ ...replaced, symbol: 'other' }] }],
    ['has a fix that nobody asked for', { asked: ['f2'] }],
    ['has a fix that isn’t there', { asked: ['f1', 'f2'], fixIds: ['f1', 'f2'] }],
    ['has a fix twice', { fixIds: ['f1', 'f1'] }],
    ['was made for another kernel', { vermagic: '6.1.0-1-amd64 SMP mod_unload ' }],
  ])('is never signed if it %s', async (_what, changed) => {
    const event = await builtLevel(changed);
    await expect(under.sign.level(event)).rejects.toBeInstanceOf(PoisonMessage);
    expect(await assembled()).toBeUndefined();
  });

  it('is never signed if the kernel’s own stream doesn’t hold it', async () => {
    const event = await builtLevel();
    if (event.fact.type !== 'LevelBuilt') throw new Error('no level');
    const forged = { ...event, stream: 'level.k2' as const };
    await expect(under.sign.level(forged)).rejects.toBeInstanceOf(PoisonMessage);
  });
});
