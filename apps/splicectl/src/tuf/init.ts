import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { draftRoot, draftTopTargets, fileNameOf, standardPolicy } from '#libs/tuf';
import { show } from '../commands/resource.js';
import { readOnlineKeys, readPublicKey, writeMetadata } from './files.js';
import { type Json, jsonOption } from './options.js';

interface InitOptions extends Json {
  readonly rootKey: readonly string[];
  readonly targetsKey: readonly string[];
  readonly online: string;
  readonly channel: readonly string[];
  readonly out: string;
}

/** `splicectl tuf init`: offline. */
export function initCommand(): Command {
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
