import type { ProfileData } from '#libs/kernelimage';

/** The data of a kernel that was never shipped, with what a test needs of it. */
export function smallProfileData(needed: Partial<Pick<ProfileData, 'kbuild' | 'modules'>>): ProfileData {
  return {
    schema: 1,
    arch: 'x86_64',
    release: '9.8.7-test',
    version: '9.8.7-1',
    buildId: '0123456789abcdef',
    vermagic: '',
    banner: '',
    compiler: 'gcc-12',
    counts: { symbols: 1, exports: 1, btfTypes: 1, modules: 1 },
    packages: [],
    kbuild: {},
    modules: {},
    ...needed,
  };
}

/** As much of a kernel's build as asking for one module's objects takes. */
export const makefileBuild = `
obj-m :=
include $(srctree)/$(obj)/Makefile
prefix := $(if $(filter .,$(obj)),,$(obj)/)
subdir-ym := $(addprefix $(prefix),$(patsubst %/,%,$(filter %/,$(obj-m))))
subdir-modorder := $(addsuffix /modules.order,$(subdir-ym))
real-obj-m := $(addprefix $(prefix),$(filter %.o,$(obj-m)))
part-of-module = y
modname = $*
c_flags = $(KBUILD_CFLAGS)
FORCE:
.PHONY: FORCE
`;
