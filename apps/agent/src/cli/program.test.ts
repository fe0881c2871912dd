import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.js';
import { FixtureFeed, license } from '../fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix } from '../fixture/machine.fixture.js';
import { logEntry, showError } from './output.js';
import { buildProgram } from './program.js';

let machine: FixtureMachine;
let feed: FixtureFeed;
let url: string;

beforeEach(async () => {
  machine = await FixtureMachine.create();
  feed = new FixtureFeed();
  url = await feed.start();
  await writeFile(join(machine.root, 'license'), `${license}\n`);
  await writeFile(join(machine.root, 'trust'), JSON.stringify(feed.trust));
});
afterEach(async () => {
  await feed.stop();
  await machine.remove();
});

const daemon = async (): Promise<void> => undefined;

/** Runs a verb as main.ts does. */
async function splicecast(line: string): Promise<{ exit: number; text: string }> {
  let text = '';
  let exit = 0;
  const out = (more: string): void => void (text += more);
  const setExit = (code: number): void => void (exit = code);
  try {
    await buildProgram({ context: machine.context, out, setExit, daemon }).parseAsync(line.split(' '), {
      from: 'user',
    });
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    exit = showError({ json: line.includes('--json'), out }, error);
  }
  return { exit, text };
}

const json = async (line: string): Promise<{ exit: number; json: Record<string, unknown> }> => {
  const { exit, text } = await splicecast(`${line} --json`);
  return { exit, json: JSON.parse(text) as Record<string, unknown> };
};
const register = async () =>
  splicecast(`register --url ${url}/ --license ${machine.root}/license --trust ${machine.root}/trust`);
const publish = async (name: string, ...functions: string[]): Promise<string> => {
  const { manifest, module } = fixtureFix(name, functions);
  return feed.publish(manifest, module);
};

const state = async () => {
  const { exit, json: status } = await json('status');
  return [exit, status['state']];
};

describe('splicecast status', () => {
  it('exits with what its state means: 0 to 6', async () => {
    expect(await state()).toEqual([4, 'license']);
    expect((await register()).exit).toBe(0);
    expect(await state()).toEqual([1, 'nothing-applied']);
    const first = await publish('one', 'f');
    feed.trouble = { suffix: '/artefact', status: 503, code: 'busy' };
    expect((await splicecast('upgrade')).exit).toBe(1);
    expect(await state()).toEqual([2, 'pending']);
    feed.trouble = undefined;
    expect((await splicecast('upgrade')).exit).toBe(0);
    expect(await state()).toEqual([0, 'current']);
    const second = await publish('two', 'f');
    expect((await splicecast('upgrade')).exit).toBe(6);
    expect((await splicecast(`hold ${second}`)).exit).toBe(0);
    expect(await state()).toEqual([6, 'held']);
    await machine.write({ 'sys/module/module/parameters/sig_enforce': 'Y' });
    expect(await state()).toEqual([3, 'unsupported-kernel']);
    expect((await splicecast(`apply ${first}`)).exit).toBe(3);
  });

  it('exits with 5 where something can’t be trusted', async () => {
    await register();
    const { manifest, module } = fixtureFix('one', ['f']);
    const stranger = new FixtureFeed();
    await stranger.publish(manifest, module);
    await feed.publish(manifest, module, ({ offer }) => ({
      offer: { ...offer, signature: stranger.offers[0]?.signature ?? '' },
    }));
    expect((await splicecast('upgrade')).exit).toBe(5);
    expect(await state()).toEqual([5, 'trust']);
  });

  it('exits with 4 when the service refuses a lease', async () => {
    feed.leaseMs = 1000;
    await register();
    machine.at = new Date(Date.now() + 60_000);
    feed.trouble = { suffix: '/lease', status: 403, code: 'lease-refused' };
    expect((await splicecast('upgrade')).exit).toBe(4);
    expect(await state()).toEqual([4, 'license']);
  });
});

describe('the other verbs', () => {
  it('say what they did, each with a schema for programs', async () => {
    await register();
    const bundleId = await publish('one', 'f');
    expect((await json('upgrade')).json).toMatchObject({ schema: 1, outcomes: [{ bundleId, result: 'applied' }] });
    expect((await json('uname')).json).toMatchObject({
      schema: 1,
      effectiveKernel: expect.stringMatching(/^6\.1\.9-1\+live\.1\./),
    });
    expect((await json('show --available')).json).toMatchObject({ schema: 1, applied: [{ bundleId }], held: [] });
    expect((await json(`explain ${bundleId}`)).json).toMatchObject({ schema: 1, bundleId, action: 'keep' });
    expect((await json('verify')).json).toMatchObject({ schema: 1, bundles: [{ bundleId, ok: true }] });
    expect((await json(`remove ${bundleId}`)).json).toMatchObject({ schema: 1, outcomes: [{ result: 'reversed' }] });
    expect((await splicecast(`explain ${bundleId}`)).text).toContain('removed by the operator');
    expect((await splicecast(`unhold ${bundleId}`)).exit).toBe(0);
    expect((await splicecast('apply --all')).text).toContain(`applied  ${bundleId}`);
    expect(await json('doctor')).toMatchObject({ exit: 0, json: { schema: 1 } });
  });

  it('show what a terminal would obey of a service’s words, and let none of them be a line of ours', async () => {
    await register();
    const subject = 'a fix\u001B[2J\u009B32m\nstate      current';
    const { manifest, module } = fixtureFix('one', ['f']);
    const fixes = manifest.fixes.map((fix) => ({ ...fix, subject }));
    const bundleId = await feed.publish({ ...manifest, fixes }, module);
    feed.trouble = { suffix: '/artefact', status: 503, code: subject };
    const texts = [await splicecast('upgrade')];
    feed.trouble = undefined;
    await splicecast('upgrade');
    for (const verb of ['status', 'show', `explain ${bundleId}`]) texts.push(await splicecast(verb));
    for (const { text } of texts) {
      expect(text).toContain('a fix\\u001b[2J\\u009b32m\\u000astate      current');
      expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    }
    const { text } = await splicecast('show --json');
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(JSON.parse(text)).toMatchObject({ applied: [{ fixes: [{ subject }] }] });
  });

  it('tell what was done beside what went wrong', async () => {
    await register();
    const bundleId = await publish('one', 'f');
    feed.trouble = { suffix: '/reports', status: 503, code: 'busy' };
    await splicecast('upgrade');
    feed.recall(bundleId, 'worse than the bug');
    const { exit, text } = await splicecast('upgrade');
    expect([exit, text.trimEnd().split('\n')]).toEqual([
      1,
      [
        expect.stringMatching(`^reversed ${bundleId} in`),
        expect.stringMatching(/^splicecast: .*busy/),
        expect.anything(),
      ],
    ]);
  });

  it('find out that what runs is not what it should be', async () => {
    await register();
    await publish('one', 'f');
    await splicecast('upgrade');
    await machine.write({ 'sys/kernel/livepatch/one/vmlinux/other,1/.keep': '' });
    expect(await json('verify')).toMatchObject({ exit: 5, json: { bundles: [{ ok: false }] } });
  });

  it.each([
    ['register --url ftp://x --license LICENSE --trust TRUST', 'bad-input'],
    ['register --url http://127.0.0.1:9 --license TRUST --trust TRUST', 'bad-input'],
    ['register --url http://127.0.0.1:9 --license LICENSE --trust LICENSE', 'bad-input'],
    ['register --url http://127.0.0.1:9 --license LICENSE --trust TRUST', 'service-unavailable'],
    ['upgrade', 'not-registered'],
    ['apply', 'bad-input'],
    ['apply --all x', 'bad-input'],
    ['remove x', 'unknown-bundle'],
    ['explain x', 'unknown-bundle'],
    ['hold x', 'unknown-bundle'],
  ])('refuse with a code: %s', async (line, code) => {
    const { root } = machine;
    const { exit, json: answer } = await json(
      line.replaceAll('LICENSE', `${root}/license`).replaceAll('TRUST', `${root}/trust`),
    );
    expect(answer).toMatchObject({ schema: 1, error: { code } });
    expect(exit).toBe(code === 'not-registered' ? 4 : 1);
  });
});

it('the log shows a service’s words too, in one entry', () => {
  const entry = 'refused b1: \u001B[2J\n1970-01-01T00:00:01.000Z applied b1';
  expect(logEntry(new Date(0), entry)).toBe(
    '1970-01-01T00:00:00.000Z refused b1: \\u001b[2J\n    1970-01-01T00:00:01.000Z applied b1\n',
  );
});
