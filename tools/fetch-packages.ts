// Brings the vendor's packages that the tests need into the cache, before they run side by side and each wants them.
import { dirname, join } from 'node:path';
import { download, findKernelStep } from '#libs/apt';
import { Progress } from './demo/progress.js';
import { distDir } from './demo/service-process.js';

const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(dirname(distDir), 'data', 'cache');

try {
  const progress = new Progress();
  const step = await findKernelStep('6.1');
  const wanted = [step.from, step.image, ...step.headers];
  const bar = progress.begin(`packages of ${step.release} for the tests`);
  for (const [index, one] of wanted.entries()) {
    bar.update(index, wanted.length, one.name);
    await download(one, cacheDir);
  }
  bar.done(`${wanted.length} packages, digests checked`);
  progress.stop();
} catch (error) {
  process.stderr.write(`fetch-packages: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
