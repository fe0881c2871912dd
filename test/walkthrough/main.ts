import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { tell } from './story.js';

/** From dist/test/walkthrough. */
const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'docs', 'walkthrough.md');

/** Writes docs/walkthrough.md; with `--print` to standard output instead. */
async function main(): Promise<void> {
  Logger.overrideLogger(false);
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-walkthrough-'));
  try {
    const page = await tell(folder);
    if (process.argv.includes('--print')) process.stdout.write(page);
    else await writeFile(file, page);
  } finally {
    process.chdir(tmpdir());
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
