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
