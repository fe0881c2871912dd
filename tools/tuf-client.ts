// A TUF client with the command line of the TUF project's conformance suite (`bin/tuf-client`, `tools/tuf-conformance.sh`). Splicecast's
// own agent uses the same library; this program is only its witness.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeDurably } from '#libs/durable';
import {
  encodeComponent,
  FileStore,
  HttpFetcher,
  initialise,
  TufError,
  update,
  type Update,
  verifyTarget,
} from '#libs/tuf';

const usage = `tuf-client --metadata-dir DIR init ROOT
tuf-client --metadata-dir DIR --metadata-url URL refresh
tuf-client --metadata-dir DIR --metadata-url URL --target-dir DIR --target-base-url URL --target-name PATH… download
`;

type Options = ReturnType<typeof commandLine>['values'];

function commandLine() {
  return parseArgs({
    allowPositionals: true,
    options: {
      'metadata-dir': { type: 'string' },
      'metadata-url': { type: 'string' },
      'target-dir': { type: 'string' },
      'target-base-url': { type: 'string' },
      'target-name': { type: 'string', multiple: true },
    },
  });
}

async function main(): Promise<void> {
  const { values, positionals } = commandLine();
  const [command, root] = positionals;
  if (command === 'init' && root !== undefined) await initialise(storeOf(values), await readFile(root));
  else if (command === 'refresh') await refresh(values);
  else if (command === 'download') await download(values);
  else throw new TypeError(usage);
}

function refresh(options: Options): Promise<Update> {
  const metadata = new HttpFetcher(required(options['metadata-url'], '--metadata-url'));
  const targets = new HttpFetcher(options['target-base-url'] ?? metadata.baseUrl);
  return update({ store: storeOf(options), metadata, targets }, Date.now());
}

async function download(options: Options): Promise<void> {
  const folder = required(options['target-dir'], '--target-dir');
  required(options['target-base-url'], '--target-base-url');
  const current = await refresh(options);
  for (const path of options['target-name'] ?? []) {
    const copy = join(folder, encodeComponent(path));
    if (await isCurrent(current, path, copy)) continue;
    await writeDurably(copy, await current.download(path), 0o644);
  }
}

/** What is here already and still right needs no download. */
async function isCurrent(current: Update, path: string, copy: string): Promise<boolean> {
  const file = await current.find(path);
  try {
    verifyTarget(path, await readFile(copy), file);
    return true;
  } catch {
    return false;
  }
}

function storeOf(options: Options): FileStore {
  return new FileStore(required(options['metadata-dir'], '--metadata-dir'));
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new TypeError(`${name} is missing\n${usage}`);
  return value;
}

try {
  await main();
} catch (cause) {
  if (cause instanceof TufError) process.stderr.write(`tuf-client: ${cause.code}: ${cause.message}\n`);
  else process.stderr.write(`tuf-client: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
