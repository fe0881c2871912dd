import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyPatches } from '#libs/hotpatch';
import { folderTree, KbuildError } from '#libs/kbuild';
import { patchCodes } from './error-codes.js';
import { type Target, typedBy } from './target.js';

const changed = `diff --git a/fs/a.c b/fs/a.c\n--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n`;
const added = `diff --git a/fs/new.h b/fs/new.h\nnew file mode 100644\n--- /dev/null\n+++ b/fs/new.h\n@@ -0,0 +1 @@\n+new\n`;
const deleted = `diff --git a/fs/gone.c b/fs/gone.c\ndeleted file mode 100644\n--- a/fs/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n`;
const renamed = `diff --git a/fs/gone.c b/x/gone.c\nsimilarity index 100%\nrename from fs/gone.c\nrename to x/gone.c\n`;
const linked = `diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n`;

/** Patches of a source tree, as anyone may hand them in. */
export async function patchTarget(folder: string): Promise<Target> {
  await mkdir(join(folder, 'fs'), { recursive: true });
  await writeFile(join(folder, 'fs/a.c'), 'one\ntwo\nthree\n');
  await writeFile(join(folder, 'fs/gone.c'), 'gone\n');
  const tree = folderTree(folder);
  return {
    name: 'patch',
    seeds: [changed + added, deleted + changed, renamed + added, linked + changed].map((text) => Buffer.from(text)),
    fields: () => [],
    async run(input) {
      const half = input.indexOf('diff --git', 1);
      await applyPatches(tree, [input]);
      await applyPatches(tree, half < 0 ? [input, input] : [input.subarray(0, half), input.subarray(half)]);
    },
    isTyped: typedBy([KbuildError, patchCodes]),
  };
}
