import { Command } from 'commander';
import type { ObjdiffOptions } from '../objdiff/run-objdiff.js';

/** `splicectl objdiff ORIG.o PATCHED.o`: exits 0 made (or makeable), 1 error, 2 refused, 3 no change. */
export function objdiffCommand(): Command {
  return new Command('objdiff')
    .description('compare one object before and after a fix, and make a live patch of the difference')
    .argument('<original>', 'the object as it was, compiled with -ffunction-sections -fdata-sections')
    .argument('<patched>', 'the same object with the fix')
    .option('--object <name>', 'where the code lives: vmlinux, or a module (default: vmlinux)')
    .option('--module-file <ko>', 'that module as it is loaded, if the kernel’s vendor doesn’t ship it')
    .option('--object-file <path>', 'its path in the kernel’s build, e.g. fs/fcntl.o (default: as given)')
    .option('--kernel <profile>', 'the kernel to make it for (splicectl kernel import)')
    .option('-o, --output <module>', 'write the module there; its name is the file’s')
    .option('--json', 'for programs')
    .action(async (original: string, patched: string, options: ObjdiffOptions, self: Command) => {
      for (const needing of ['output', 'moduleFile'] as const)
        if (options[needing] !== undefined && options.kernel === undefined)
          self.error(`${needing === 'output' ? '-o' : '--module-file'} needs --kernel`);
      const { runObjdiff } = await import('../objdiff/run-objdiff.js');
      await runObjdiff(original, patched, options);
    });
}
