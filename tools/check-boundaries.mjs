// Runs the boundary rules over the tree, and over a fixture that breaks one on purpose: a check that finds nothing wrong there
// has gone blind (dependency-cruiser does with a TypeScript that it doesn't know), and fails the build.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function cruise(...targets) {
  const args = [...targets, '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long'];
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', 'depcruise'), args, {
    cwd: root,
    encoding: 'utf8',
  });
  return { failed: status !== 0, text: `${stdout}${stderr}` };
}

const fixture = cruise('test/fixtures/boundary');
if (!fixture.failed || !fixture.text.includes('dependencies-point-inward')) {
  process.stderr.write(
    `boundaries: the deliberately bad fixture passed, so the check sees nothing:\n${fixture.text}\n`,
  );
  process.exit(1);
}
const tree = cruise('apps', 'libs', 'tools');
process.stdout.write(tree.text);
process.exit(tree.failed ? 1 : 0);
