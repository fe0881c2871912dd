import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  delegatesOf,
  draftRoot,
  draftTopTargets,
  fileNameOf,
  holdersOf,
  offlineRoleOf,
  type PublicHalf,
  standardPolicy,
} from '#libs/tuf';
import { show } from '../commands/resource.js';
import { readMetadata, readOnlineKeys, readPublicKey, writeMetadata } from './files.js';
import { type Json, jsonOption } from './options.js';

interface RotateOptions extends Json {
  readonly out: string;
  readonly addRootKey?: readonly string[];
  readonly removeRootKey?: readonly string[];
  readonly addTargetsKey?: readonly string[];
  readonly removeTargetsKey?: readonly string[];
  readonly online?: string;
  readonly channel?: readonly string[];
}

/** `splicectl tuf rotate`: offline. */
export function rotateCommand(): Command {
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
