import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Btf, KernelProfile } from '#libs/kernelimage';
import type { SourceTree } from './source-tree.js';

/** A build system of our own with the names that the kernel's has: what folder-rules needs of scripts/Makefile.build. */
const makefileBuild = `
obj-y :=
obj-m :=
-include include/config/auto.conf
include $(or $(wildcard $(srctree)/$(obj)/Kbuild),$(srctree)/$(obj)/Makefile)
KBUILD_CFLAGS += $(subdir-ccflags-y)
subdirs := $(patsubst %/,%,$(filter %/,$(obj-y) $(obj-m)))
prefix := $(if $(filter .,$(obj)),,$(obj)/)
subdir-ym := $(addprefix $(prefix),$(subdirs))
subdir-builtin := $(addprefix $(prefix),$(patsubst %/,%/built-in.a,$(filter %/,$(obj-y))))
subdir-modorder := $(addprefix $(prefix),$(patsubst %/,%/modules.order,$(filter %/,$(obj-y) $(obj-m))))
parts = $(foreach m,$1,$(if $($(m:.o=-y)),$($(m:.o=-y)),$m))
real-obj-y := $(addprefix $(prefix),$(call parts,$(filter %.o,$(obj-y))))
real-obj-m := $(addprefix $(prefix),$(call parts,$(filter %.o,$(obj-m))))
modname = $(or $(strip $(foreach m,$(filter %.o,$(obj-m) $(obj-y)),$(if $(filter $*.o,$($(m:.o=-y))),$(m:.o=)))),$*)
part-of-module = $(if $(filter $@,$(real-obj-m)),y)
c_flags = -Wp,-MMD,x $(LINUXINCLUDE) $(KBUILD_CFLAGS) $(ccflags-y) $(CFLAGS_$*.o) -DNAME='"$(modname)"' $(if $(part-of-module),-DMODULE)
FORCE:
.PHONY: FORCE
`;

/** Writes files below a folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** A kernel profile with headers and flags, and no kernel in it. */
export async function smallKernel(): Promise<KernelProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-small-'));
  await writeFiles(join(folder, 'headers'), {
    'scripts/Makefile.build': makefileBuild,
    'include/config/auto.conf': 'CONFIG_NET=m\nCONFIG_FS=y\n',
    'include/linux/base.h': 'struct base { int a; };\n#define FROM_HEADERS 41\n',
    'include/trace/define.h': '#include TRACE_FILE\n',
  });
  const data = {
    schema: 1 as const,
    arch: 'x86_64' as const,
    release: '9.8.7-test',
    version: '9.8.7-1',
    buildId: '0123456789abcdef',
    vermagic: '9.8.7-test SMP ',
    banner: '',
    compiler: 'gcc-12',
    counts: { symbols: 1, exports: 1, btfTypes: 1, modules: 0 },
    packages: [],
    kbuild: {
      CC: ' gcc-12',
      srctree: '.',
      objtree: '.',
      SRCARCH: 'x86',
      KBUILD_CFLAGS: '-O2 -g',
      LINUXINCLUDE: '-I./include',
    },
    modules: {},
  };
  const emptyBtf = Buffer.alloc(24);
  emptyBtf.writeUInt16LE(0xeb9f);
  emptyBtf.writeUInt32LE(24, 4);
  return new KernelProfile(folder, data, [], new Map(), Btf.parse(emptyBtf));
}

/** A source tree in memory. */
export function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  const all = new Map(Object.entries(files));
  return {
    async read(path) {
      const content = all.get(path);
      return content === undefined ? undefined : Buffer.from(content);
    },
    walk: {
      identity: () => Promise.resolve(JSON.stringify(files)),
      async *files(wanted) {
        for (const [path, content] of all) if (wanted(path)) yield { path, content: Buffer.from(content) };
      },
    },
  };
}
