import { generateKeyPairSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { sealKey, writeKeyFile } from '#libs/keyfile';
import {
  addSignature,
  delegatesOf,
  draftRoot,
  draftTopTargets,
  Ed25519Signer,
  fileNameOf,
  holdersOf,
  mergeSignatures,
  offlineRoleOf,
  type PublicHalf,
  standardPolicy,
} from '#libs/tuf';
import { connect } from '../connection.js';
import { printJson, recordSchema } from '../output.js';
import {
  openSigner,
  openToken,
  passphraseOf,
  readMetadata,
  readOnlineKeys,
  readPublicKey,
  writeMetadata,
} from '../tuf/files.js';
import { type FileStanding, fileStanding, standingText } from '../tuf/standing.js';
import { show } from './resource.js';

interface Json {
  readonly json?: boolean;
}

const jsonOption = (): Option => new Option('--json', 'for programs');
const passphraseOption = (): Option =>
  new Option('--passphrase-file <file>', 'else SPLICECAST_PASSPHRASE, else the terminal asks');

/** `splicectl tuf keygen|init|sign|rotate|status|publish|online-keys`: all but the last two work offline, on files. */
export function tufCommand(): Command {
  return new Command('tuf')
    .description('the offline roles of the signed metadata: keys, ceremonies, rotation')
    .addCommand(keygenCommand())
    .addCommand(initCommand())
    .addCommand(signCommand())
    .addCommand(rotateCommand())
    .addCommand(statusCommand())
    .addCommand(publishCommand())
    .addCommand(onlineKeysCommand());
}

interface KeygenOptions extends Json {
  readonly name: string;
  readonly out: string;
  readonly pkcs11?: string;
  readonly passphraseFile?: string;
}

/** What a holder hands in. */
async function writePublicKey(file: string, key: { name: string; keyId: string; key: object }): Promise<void> {
  await writeMetadata(file, Buffer.from(`${JSON.stringify({ schema: 1, ...key }, null, 2)}\n`), false);
}

function keygenCommand(): Command {
  return new Command('keygen')
    .description('make a holder’s key: NAME.key, sealed under a passphrase, and NAME.pub.json to hand in')
    .requiredOption('--name <name>', 'the holder')
    .option('--out <folder>', 'where', '.')
    .option('--pkcs11 <uri>', 'the key is in a token already: only NAME.pub.json is written')
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(async (options: KeygenOptions, self: Command) => {
      const { name, out } = options;
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) self.error('a name is letters, digits, dots and dashes');
      await mkdir(out, { recursive: true, mode: 0o700 });
      const publicFile = join(out, `${name}.pub.json`);
      if (options.pkcs11 !== undefined) {
        const { keyId, publicKey } = await openToken(options.pkcs11);
        await writePublicKey(publicFile, { name, keyId, key: publicKey });
        return show({ name, keyId, publicFile }, options.json);
      }
      const passphrase = await passphraseOf(options.passphraseFile, `passphrase for ${name}: `, true);
      const { privateKey } = generateKeyPairSync('ed25519');
      const { keyId, publicKey } = new Ed25519Signer(privateKey);
      const keyFile = join(out, `${name}.key`);
      await writeKeyFile(keyFile, await sealKey(privateKey, name, passphrase));
      await writePublicKey(publicFile, { name, keyId, key: publicKey });
      show({ name, keyId, keyFile, publicFile }, options.json);
    });
}

interface InitOptions extends Json {
  readonly rootKey: readonly string[];
  readonly targetsKey: readonly string[];
  readonly online: string;
  readonly channel: readonly string[];
  readonly out: string;
}

function initCommand(): Command {
  return new Command('init')
    .description('draft the first root and top-level targets, for the holders to sign')
    .requiredOption('--root-key <pub...>', 'holders of the root: at least 3, better 5')
    .requiredOption('--targets-key <pub...>', 'holders of the targets: at least 2, better 3')
    .requiredOption('--online <file>', 'the service’s public keys: `splicectl tuf online-keys`')
    .requiredOption('--channel <name...>', '<distribution>-<arch>, e.g. debian-x86_64')
    .option('--out <folder>', 'where', '.')
    .addOption(jsonOption())
    .action(async (options: InitOptions) => {
      const nowMs = Date.now();
      const online = await readOnlineKeys(options.online);
      const root = await Promise.all(options.rootKey.map(readPublicKey));
      const targets = await Promise.all(options.targetsKey.map(readPublicKey));
      const holders = { root, targets, snapshot: online.snapshot, timestamp: online.timestamp };
      await mkdir(options.out, { recursive: true });
      const files = [
        [fileNameOf('root', 1), draftRoot(undefined, holders, standardPolicy, nowMs)],
        [fileNameOf('targets', 1), draftTopTargets(undefined, options.channel, online, standardPolicy, nowMs)],
      ] as const;
      for (const [name, bytes] of files) await writeMetadata(join(options.out, name), bytes, false);
      const written = files.map(([name]) => join(options.out, name));
      show({ drafts: written, next: 'each holder: splicectl tuf sign FILE --key NAME.key' }, options.json);
    });
}

interface SignOptions extends Json {
  readonly key?: string;
  readonly pkcs11?: string;
  readonly passphraseFile?: string;
  readonly merge?: readonly string[];
  readonly root?: string;
}

function signCommand(): Command {
  return new Command('sign')
    .description('add a holder’s signature to a file, or those of other copies of it; it says what it signs')
    .argument('<file>', 'a draft, e.g. 2.root.json')
    .option('--key <file>', 'the holder’s sealed key')
    .option('--pkcs11 <uri>', 'or the holder’s key in a token')
    .addOption(passphraseOption())
    .option('--merge <copy...>', 'copies that others have signed')
    .option('--root <file>', 'the root before it, or the one that governs targets: whose signatures count')
    .addOption(jsonOption())
    .action(async (file: string, options: SignOptions, self: Command) => {
      const { key, pkcs11, merge } = options;
      if (key === undefined && pkcs11 === undefined && merge === undefined)
        self.error('give --key, --pkcs11 or --merge');
      const root = options.root === undefined ? undefined : await readMetadata(options.root);
      let bytes = await readMetadata(file);
      if (options.merge !== undefined)
        bytes = mergeSignatures(bytes, await Promise.all(options.merge.map(readMetadata)));
      if (key !== undefined || pkcs11 !== undefined) {
        const signer =
          pkcs11 === undefined ? await openSigner(key ?? '', options.passphraseFile) : await openToken(pkcs11);
        const groups = fileStanding(file, bytes, root, Date.now()).groups;
        const isEntitled = groups.some(({ signed, missing }) => [...signed, ...missing].includes(signer.keyId));
        if (groups.length > 0 && !isEntitled) self.error(`key ${signer.keyId.slice(0, 12)} may not sign this file`);
        bytes = await addSignature(bytes, signer);
      }
      await writeMetadata(file, bytes, true);
      showStandings([fileStanding(file, bytes, root, Date.now())], options.json);
    });
}

interface RotateOptions extends Json {
  readonly out: string;
  readonly addRootKey?: readonly string[];
  readonly removeRootKey?: readonly string[];
  readonly addTargetsKey?: readonly string[];
  readonly removeTargetsKey?: readonly string[];
  readonly online?: string;
  readonly channel?: readonly string[];
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description(
      'draft the version that follows a root or top-level targets: other keys, further channels, a later end',
    )
    .argument('<file>', 'the newest version, e.g. 1.root.json')
    .option('--add-root-key <pub...>', 'of a root: further holders')
    .option('--remove-root-key <id...>', 'of a root: holders by the beginning of their key’s id')
    .option('--add-targets-key <pub...>', 'of a root: further holders of the targets')
    .option('--remove-targets-key <id...>', 'of a root: holders of the targets that leave')
    .option('--online <file>', 'the service’s public keys from now on')
    .option('--channel <name...>', 'of targets: further channels')
    .option('--out <folder>', 'where', '.')
    .addOption(jsonOption())
    .action(async (file: string, options: RotateOptions) => {
      const before = await readMetadata(file);
      const { type, version } = offlineRoleOf(before);
      const bytes = await (type === 'root' ? nextRoot(before, options) : nextTargets(before, options));
      await mkdir(options.out, { recursive: true });
      const draft = join(options.out, fileNameOf(type, version + 1));
      await writeMetadata(draft, bytes, false);
      const next = `holders: splicectl tuf sign ${draft} --key NAME.key --root ${type === 'root' ? file : 'N.root.json'}`;
      show({ draft, next }, options.json);
    });
}

async function nextRoot(before: Buffer, options: RotateOptions): Promise<Buffer> {
  if (options.channel !== undefined) throw new Error('channels are named by the targets: rotate that file');
  const { root, targets, snapshot, timestamp } = holdersOf(before);
  const online = options.online === undefined ? { snapshot, timestamp } : await readOnlineKeys(options.online);
  const holders = {
    root: await changed(root, options.addRootKey, options.removeRootKey),
    targets: await changed(targets, options.addTargetsKey, options.removeTargetsKey),
    snapshot: online.snapshot,
    timestamp: online.timestamp,
  };
  return draftRoot(before, holders, standardPolicy, Date.now());
}

async function nextTargets(before: Buffer, options: RotateOptions): Promise<Buffer> {
  const isOfRoot = [options.addRootKey, options.removeRootKey, options.addTargetsKey, options.removeTargetsKey];
  if (isOfRoot.some((one) => one !== undefined)) throw new Error('the root names the holders: rotate that file');
  const { channels, holders } = delegatesOf(before);
  const all = [...new Set([...channels, ...(options.channel ?? [])])];
  let online = holders;
  if (options.online !== undefined) online = await readOnlineKeys(options.online);
  // Targets without a channel name none of its keys: they have to come from the service.
  else if (channels.length === 0 && all.length > 0)
    throw new Error('give --online: these targets name no channel’s keys yet');
  return draftTopTargets(before, all, online, standardPolicy, Date.now());
}

async function changed(
  holders: readonly PublicHalf[],
  add: readonly string[] = [],
  remove: readonly string[] = [],
): Promise<PublicHalf[]> {
  for (const id of remove) {
    const found = holders.filter(({ keyId }) => id.length >= 8 && keyId.startsWith(id));
    if (found.length !== 1)
      throw new Error(`${id} is the beginning of ${found.length} of the keys: give 8 digits or more`);
  }
  const kept = holders.filter(({ keyId }) => !remove.some((id) => keyId.startsWith(id)));
  return [...kept, ...(await Promise.all(add.map(readPublicKey)))];
}

interface StatusOptions extends Json {
  readonly root?: string;
  readonly soon: string;
}

function statusCommand(): Command {
  return new Command('status')
    .description('who has signed files of a ceremony, and when they end; without files, how the service stands')
    .argument('[file...]', 'roots and targets')
    .option('--root <file>', 'the root before, or the one that governs targets')
    .option('--soon <days>', 'exit with 1 for what ends within so many days', '30')
    .addOption(jsonOption())
    .action(async (files: string[], options: StatusOptions, self: Command) => {
      const soonDays = Number(options.soon);
      if (!Number.isInteger(soonDays) || soonDays < 0) self.error('--soon is a number of days');
      if (files.length === 0) return serviceStatus(self, soonDays, options.json);
      const root = options.root === undefined ? undefined : await readMetadata(options.root);
      const standings: FileStanding[] = [];
      for (const file of files) standings.push(fileStanding(file, await readMetadata(file), root, Date.now()));
      showStandings(standings, options.json);
      if (standings.some(({ complete, daysLeft }) => !complete || daysLeft < soonDays)) process.exitCode = 1;
    });
}

/** Exits with 1 for an offline role that ends soon, a timestamp that nobody renews, or bundles that wait for a ceremony. */
async function serviceStatus(self: Command, soonDays: number, json?: boolean): Promise<void> {
  const status = await connect(self).get('/v1/tuf/status', recordSchema);
  show(status, json);
  const endsWithin = (role: string, ms: number): boolean => {
    const expiresAt = recordSchema.safeParse(status[role]).data?.['expiresAt'];
    return typeof expiresAt !== 'string' || Date.parse(expiresAt) - Date.now() < ms;
  };
  const dayMs = 24 * 60 * 60 * 1000;
  const isSoon =
    ['root', 'targets'].some((role) => endsWithin(role, soonDays * dayMs)) || endsWithin('timestamp', dayMs / 2);
  const waits = Array.isArray(status['waiting']) && status['waiting'].length > 0;
  if (isSoon || waits) process.exitCode = 1;
}

function publishCommand(): Command {
  return new Command('publish')
    .description('hand signed roots and targets to the running service, all or none')
    .argument('<file...>', 'e.g. 2.root.json 3.targets.json')
    .addOption(jsonOption())
    .action(async (files: string[], options: Json, self: Command) => {
      const bytes = await Promise.all(files.map(readMetadata));
      const body = { files: bytes.map((one) => one.toString('base64')) };
      show(await connect(self).post('/v1/tuf/metadata', body, recordSchema), options.json);
    });
}

function onlineKeysCommand(): Command {
  return new Command('online-keys')
    .description('the public keys of the running service, for `init` and `rotate`')
    .action(async (_options: object, self: Command) => {
      const { schema: _schema, ...answer } = await connect(self).get('/v1/tuf/online-keys', recordSchema);
      printJson(answer);
    });
}

function showStandings(standings: readonly FileStanding[], json?: boolean): void {
  if (json) printJson({ files: standings });
  else for (const standing of standings) process.stdout.write(`${standingText(standing)}\n`);
}
