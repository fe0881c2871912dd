import type { Reason } from '#libs/contracts';
import type { FileChange } from './outcome.js';

/** What of a fix reaches the kernel's code. */
export interface Touched {
  /** .c files that may be objects of their own. */
  readonly sources: readonly string[];
  /** Headers, and whatever else a .c file may include. */
  readonly included: readonly string[];
  /** Paths that make no code, each with why. */
  readonly inert: readonly Reason[];
  /** Paths with which the fix can't be built soundly. */
  readonly refusals: readonly Reason[];
}

/** Folders of which nothing is linked into the kernel or its modules. */
const noCode = /^(?:Documentation|LICENSES|samples|scripts|tools|usr)\//;
const noCodeFiles =
  /^(?:CREDITS|MAINTAINERS|COPYING|README|\.[^/]+|Makefile)$|(?:^|\/)(?:Kconfig[^/]*|\.gitignore)$|\.(?:rst|txt|md|dts|dtsi)$/;
const generated = /^(?:arch\/[^/]+\/)?include\/(?:generated|config)\//;
const makefiles = /(?:^|\/)(?:Makefile|Kbuild)(?:\.[^/]*)?$/;

/** Sorts the files of a fix by what they mean for the kernel's code. `arch` is the profile's source architecture (`x86`). */
export function touchedBy(changes: readonly FileChange[], arch: string): Touched {
  const sources: string[] = [];
  const included: string[] = [];
  const inert: Reason[] = [];
  const refusals: Reason[] = [];
  const foreign = new RegExp(`^(?:arch/(?!${arch}/)|include/(?:asm-(?!generic)|dt-bindings/))`);
  for (const { path, kind } of changes) {
    const because = (list: Reason[], code: string, reason: string): void => {
      list.push({ code, reason, object: path });
    };
    if (foreign.test(path)) because(inert, 'other-architecture', 'is for another architecture');
    else if (noCode.test(path) || noCodeFiles.test(path)) because(inert, 'no-code', 'is no code of the kernel');
    else if (makefiles.test(path)) because(refusals, 'build-description-changed', 'changes how objects are built');
    else if (/\.[Ss]$/.test(path))
      because(refusals, 'assembly-changed', 'is assembly, which has no patchable functions');
    else if (generated.test(path)) because(refusals, 'generated-header', 'is written by the build, not by a source');
    else if (path.endsWith('.c')) {
      if (kind === 'modified') sources.push(path);
      else if (kind === 'added') because(refusals, 'object-added', 'is a new object');
      else because(refusals, 'object-removed', 'takes an object away');
    } else included.push(path);
  }
  return { sources, included, inert, refusals };
}
