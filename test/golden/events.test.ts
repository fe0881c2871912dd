import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { currentVersion, envelopeSchema, eventSchemas, type EventType, factOf, isEventType } from '#libs/contracts';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'events');
const fileName = /^(?<type>[A-Z][A-Za-z]+)\.v(?<version>[1-9]\d*)\.json$/;

const envelopeIn = async (file: string) =>
  envelopeSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));

/** Every version of every event that was ever written must still be read. These files are never changed, only added. */
describe('golden events', () => {
  let files: string[];
  beforeAll(async () => {
    files = await readdir(folder);
  });

  it('are all named after an event and its version', () => {
    expect(files.filter((file) => !fileName.test(file))).toEqual([]);
  });

  it('exist for each version of each event', () => {
    const wanted = Object.keys(eventSchemas).flatMap((type) =>
      Array.from({ length: currentVersion(type as EventType) }, (_, index) => `${type}.v${index + 1}.json`),
    );
    expect(files.toSorted()).toEqual(wanted.toSorted());
  });

  it('are all still read as they were written, older versions as the newest tells the same', async () => {
    expect.assertions(files.length * 3);
    for (const file of files) {
      const envelope = await envelopeIn(file);
      const { type } = envelope;
      expect(isEventType(type)).toBe(true);
      const newest = currentVersion(type as EventType);
      expect(file).toBe(`${type}.v${envelope.v}.json`);
      const { data } = envelope.v === newest ? envelope : await envelopeIn(`${type}.v${newest}.json`);
      expect(factOf(envelope)).toEqual({ type, data });
    }
  });

  it('are refused when they are newer than this program', () => {
    const newer = { id: 'x', type: 'DropSplit', v: 99, at: '2026-11-23T00:00:00.000Z', actor: 'x', correlationId: 'x' };
    expect(() => factOf({ ...newer, data: {} })).toThrow(expect.objectContaining({ code: 'newer-event-version' }));
    expect(() => factOf({ ...newer, v: 1, type: 'NoSuchEvent', data: {} })).toThrow(
      expect.objectContaining({ code: 'unknown-event-type' }),
    );
    expect(() => factOf({ ...newer, v: 1, data: {} })).toThrow(expect.objectContaining({ code: 'malformed-event' }));
  });
});
