import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Command } from 'commander';
import { Ed25519Signer, initialise, MemoryFiles, MemoryStore, Repository, standardPolicy } from '#libs/tuf';
import { SoftToken } from '../../../../test/soft-token.js';
import { tufCommand } from './tuf.js';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const one = () => [Ed25519Signer.generate()];
const two = () => [...one(), ...one()];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-ceremony-'));
  await writeFile(at('pass'), 'a passphrase for tests\n', { mode: 0o600 });
});
afterEach(async () => {
  process.exitCode = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command in this process. @returns what it printed, and its exit code. */
async function tuf(...args: string[]): Promise<{ text: string; exitCode: number }> {
  let text = '';
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  process.exitCode = undefined;
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.commands.forEach(quiet);
  };
  const program = new Command('splicectl').addCommand(tufCommand());
  quiet(program);
  try {
    await program.parseAsync(['node', 'splicectl', 'tuf', ...args]);
    return { text, exitCode: Number(String(process.exitCode ?? 0)) };
  } catch (error) {
    return { text: String(error), exitCode: 1 };
  } finally {
    process.exitCode = undefined;
    spy.mockRestore();
  }
}

const pass = () => ['--passphrase-file', at('pass')];
const keygen = (name: string) => tuf('keygen', '--name', name, '--out', folder, ...pass());
const sign = (file: string, holder: string, ...more: string[]) =>
  tuf('sign', file, '--key', at(`${holder}.key`), ...pass(), ...more);
const pub = (...names: string[]) => names.map((name) => at(`${name}.pub.json`));

describe('a ceremony', () => {
  it('goes from keys over drafts and copies to a repository, and hands over to other holders', async () => {
    for (const name of ['r1', 'r2', 'r3', 'r4', 't1', 't2']) expect((await keygen(name)).exitCode).toBe(0);
    expect((await keygen('r1')).text).toContain('never written over');
    expect(await readFile(at('r1.key'), 'utf8')).toContain('scrypt');

    const online = { channel: two(), release: two(), recall: two(), snapshot: one(), timestamp: one() };
    const halves = Object.fromEntries(Object.entries(online).map(([k, all]) => [k, all.map((s) => s.publicKey)]));
    await writeFile(at('online.json'), JSON.stringify({ schema: 1, keys: halves }));
    const init = ['--online', at('online.json'), '--channel', 'debian-x86_64', '--out', folder];
    const few = await tuf('init', '--root-key', ...pub('r1', 'r2'), '--targets-key', ...pub('t1', 't2'), ...init);
    expect(few.text).toContain('2 of the 3 keys');
    const made = await tuf(
      'init',
      '--root-key',
      ...pub('r1', 'r2', 'r3'),
      '--targets-key',
      ...pub('t1', 't2'),
      ...init,
    );
    expect(made.exitCode).toBe(0);

    const root = at('1.root.json');
    await copyFile(root, at('copy-2'));
    await copyFile(root, at('copy-3'));
    await sign(root, 'r1');
    await sign(at('copy-2'), 'r2');
    await sign(at('copy-3'), 'r3');
    expect((await tuf('status', root)).exitCode).toBe(1);
    expect((await tuf('sign', root, '--merge', at('copy-2'), at('copy-3'))).text).toContain('3 of 3 needed');
    expect((await tuf('status', root)).exitCode).toBe(0);
    expect((await tuf('status', root, '--soon', '400')).exitCode).toBe(1);
    expect((await sign(root, 't1')).text).toContain('may not sign');

    const targets = at('1.targets.json');
    await sign(targets, 't1', '--root', root);
    expect((await tuf('status', targets, '--root', root, '--json')).text).toContain('"complete": false');
    await sign(targets, 't2', '--root', root);
    expect((await tuf('status', targets, '--root', root)).exitCode).toBe(0);

    const repository = await Repository.open(new MemoryFiles(), online, standardPolicy);
    await repository.publishRoot(await readFile(root), Date.now());
    await repository.publishTopTargets(await readFile(targets), Date.now());
    expect(repository.channels()).toEqual(['debian-x86_64']);

    const leaving = (JSON.parse(await readFile(at('r1.pub.json'), 'utf8')) as { keyId: string }).keyId.slice(0, 12);
    const change = ['--add-root-key', ...pub('r4'), '--remove-root-key', leaving, '--out', folder];
    expect((await tuf('rotate', root, ...change)).exitCode).toBe(0);
    const next = at('2.root.json');
    for (const holder of ['r2', 'r3', 'r4']) await sign(next, holder, '--root', root);
    // The new keys have signed, of the old ones only two.
    expect((await tuf('status', next, '--root', root)).exitCode).toBe(1);
    await expect(repository.publishRoot(await readFile(next), Date.now())).rejects.toMatchObject({
      code: 'threshold-not-met',
    });
    await sign(next, 'r1', '--root', root);
    expect((await tuf('status', next, '--root', root)).exitCode).toBe(0);
    await repository.publishRoot(await readFile(next), Date.now());

    expect((await tuf('rotate', targets, '--channel', 'ubuntu-x86_64', '--out', folder)).exitCode).toBe(0);
    for (const holder of ['t1', 't2']) await sign(at('2.targets.json'), holder, '--root', next);
    await repository.publishTopTargets(await readFile(at('2.targets.json')), Date.now());
    expect(repository.channels()).toEqual(['debian-x86_64', 'ubuntu-x86_64']);
    await initialise(new MemoryStore(), await readFile(root));
  }, 120_000);

  it('has a holder whose key is in a token: it is handed in, and signs', async () => {
    const token = await SoftToken.make();
    try {
      const made = await tuf('keygen', '--name', 'r1', '--out', folder, '--pkcs11', token.uri());
      expect(made).toMatchObject({ exitCode: 0, text: expect.not.stringContaining(token.pin) });
      for (const name of ['r2', 'r3', 't1', 't2']) await keygen(name);
      const online = { channel: two(), release: two(), recall: two(), snapshot: one(), timestamp: one() };
      const halves = Object.fromEntries(Object.entries(online).map(([k, all]) => [k, all.map((s) => s.publicKey)]));
      await writeFile(at('online.json'), JSON.stringify({ schema: 1, keys: halves }));
      const holders = ['--root-key', ...pub('r1', 'r2', 'r3'), '--targets-key', ...pub('t1', 't2')];
      const draft = ['--online', at('online.json'), '--channel', 'debian-x86_64', '--out', folder];
      expect((await tuf('init', ...holders, ...draft)).exitCode).toBe(0);
      const root = at('1.root.json');
      const wrong = await tuf('sign', root, '--pkcs11', token.uri({ token: 'gone' }));
      expect(wrong.text).toMatch(/TokenError/);
      expect((await tuf('sign', root, '--pkcs11', token.uri())).text).toContain('1 of 3 needed');
      for (const holder of ['r2', 'r3']) await sign(root, holder);
      const repository = await Repository.open(new MemoryFiles(), online, standardPolicy);
      await repository.publishRoot(await readFile(root), Date.now());
      expect(repository.root?.version).toBe(1);
    } finally {
      await token.remove();
    }
  }, 120_000);

  it('refuses copies that say different things, and a key without its passphrase', async () => {
    for (const name of ['r1', 'r2', 'r3', 't1', 't2']) await keygen(name);
    const online = { channel: two(), release: two(), recall: two(), snapshot: one(), timestamp: one() };
    const halves = Object.fromEntries(Object.entries(online).map(([k, all]) => [k, all.map((s) => s.publicKey)]));
    await writeFile(at('online.json'), JSON.stringify({ schema: 1, keys: halves }));
    for (const [out, channel] of [
      ['a', 'debian-x86_64'],
      ['b', 'ubuntu-x86_64'],
    ] as const) {
      const keys = ['--root-key', ...pub('r1', 'r2', 'r3'), '--targets-key', ...pub('t1', 't2')];
      await tuf('init', ...keys, '--online', at('online.json'), '--channel', channel, '--out', at(out));
    }
    const mixed = await tuf('sign', at('a', '1.targets.json'), '--merge', at('b', '1.targets.json'));
    expect(mixed.text).toContain('the copies differ');
    await writeFile(at('other'), 'another passphrase\n', { mode: 0o600 });
    const wrong = await tuf('sign', at('a', '1.root.json'), '--key', at('r1.key'), '--passphrase-file', at('other'));
    expect(wrong.text).toContain("doesn't open the key r1");
    await chmod(at('pass'), 0o644);
    expect((await sign(at('a', '1.root.json'), 'r1')).text).toContain('can be reached by others');
    expect((await tuf('status', at('online.json'))).exitCode).toBe(1);
  }, 120_000);
});
