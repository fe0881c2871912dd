import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkConfig, parseConfig } from './config.js';
import { checkPackages, importKernel } from './import.js';
import { type PackageFacts, packageFacts, placement } from './packages.js';
import { loadProfile } from './profile.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

function debOf(
  name: string,
  version: string,
  files: Record<string, string>,
  file = name,
  links: Record<string, string> = {},
): string {
  const root = join(folder, `root-${file}`);
  const all: Record<string, string> = {
    'DEBIAN/control': `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: test\n`,
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  const deb = join(folder, `${file}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, deb], { stdio: 'ignore' });
  return deb;
}

const version = '9.8.7-1';
const config = 'CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS_ALL=y\n'.concat(
  'CONFIG_DYNAMIC_FTRACE_WITH_REGS=y\nCONFIG_HAVE_FENTRY=y\n',
);
const image = debOf('linux-image-9.8.7-test', version, {
  'boot/vmlinuz-9.8.7-test': 'no boot image',
  'boot/config-9.8.7-test': config,
});
const headers = debOf('linux-headers-9.8.7-test', version, {
  'usr/src/linux-headers-9.8.7-test/.config': `${config}CONFIG_BUILD_SALT="x"\n`,
});
const common = debOf('linux-headers-9.8.7-common', version, {
  'usr/src/linux-headers-9.8.7-common/Makefile': 'all:\n',
});
const kbuild = debOf('linux-kbuild-9.8', '9.8.9-2', { 'usr/lib/linux-kbuild-9.8/scripts/x': 'x' });
const other = debOf('linux-headers-9.8.6-test', '9.8.6-1', { 'usr/src/linux-headers-9.8.6-test/.config': config });

const out = join(folder, 'out', 'profile');
const attempt = async (first: string, rest: readonly string[]): Promise<string> =>
  await importKernel({ image: first, headers: rest, out }).then(
    () => 'imported',
    (error: { code?: string }) => error.code ?? 'another error',
  );

describe('importKernel', () => {
  test.each([
    ['bad-image', image, [headers, common, kbuild]],
    ['wrong-package', headers, [image, common, kbuild]],
    ['missing-package', image, [headers, common]],
    ['release-mismatch', image, [other, common, kbuild]],
  ] as const)('ends with %s', async (code, first, rest) => {
    expect(await attempt(first, rest)).toBe(code);
    // Nothing half-made stays.
    expect(readdirSync(join(folder, 'out'))).toEqual([]);
  });

  test('ends with bad-package for a truncated .deb and for no .deb at all', async () => {
    const cut = join(folder, 'cut.deb');
    writeFileSync(cut, readFileSync(image));
    truncateSync(cut, 400);
    expect(await attempt(cut, [headers, common, kbuild])).toBe('bad-package');
    writeFileSync(cut, 'not an archive');
    expect(await attempt(cut, [headers, common, kbuild])).toBe('bad-package');
    writeFileSync(cut, Buffer.from('edabeedb03000001', 'hex'));
    await expect(importKernel({ image: cut, headers: [], out })).rejects.toThrow('an RPM; give packages of Debian');
  });

  test('a killed import leaves nothing, or the profile that it was about to replace', async () => {
    // No process has so high a number.
    const left = `${out}.importing-99999999-1`;
    mkdirSync(left);
    mkdirSync(`${left}.old`);
    writeFileSync(join(`${left}.old`, 'profile.json'), 'as it was');
    expect(await attempt(image, [headers, common])).toBe('missing-package');
    expect(readdirSync(join(folder, 'out'))).toEqual(['profile']);
    expect(readFileSync(join(out, 'profile.json'), 'utf8')).toBe('as it was');
    rmSync(out, { recursive: true });
  });

  test('writes through no link that another package has made', async () => {
    const at = 'usr/src/linux-headers-9.8.7-test/a/1/2/3/4';
    const linked = debOf('linux-headers-9.8.7-test', version, { [`${at}/x`]: 'x' }, 'linked', {
      // Each looks harmless by its text; behind d, three folders up are two above the headers.
      [`${at}/d`]: '../../../..',
      [`${at}/e`]: 'd/../../..',
    });
    const through = debOf(
      'linux-headers-9.8.7-common',
      version,
      { 'usr/src/linux-headers-9.8.7-common/a/1/2/3/4/e/evil': 'written' },
      'through',
    );
    await attempt(image, [linked, through, kbuild]);
    expect(readdirSync(join(folder, 'out'))).toEqual([]);
  });

  test('ends with io-failed where nothing can be written or read', async () => {
    const nowhere = { image, headers: [headers, common, kbuild], out: join(image, 'profile') };
    await expect(importKernel(nowhere)).rejects.toMatchObject({ code: 'io-failed' });
    expect(await attempt(join(folder, 'none.deb'), [headers, common, kbuild])).toBe('io-failed');
  });

  test('ends when it is told to, and leaves nothing', async () => {
    const signal = AbortSignal.abort();
    const request = { image, headers: [headers, common, kbuild], out, signal };
    await expect(importKernel(request)).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(join(folder, 'out'))).toEqual([]);
  });

  test('refuses a folder that is no profile', async () => {
    await expect(loadProfile(folder)).rejects.toMatchObject({ code: 'bad-profile' });
  });
});

const facts = (name: string, v = version): PackageFacts => packageFacts({ Package: name, Version: v });

describe('packages', () => {
  test('are told by their names', () => {
    expect(facts('linux-image-6.1.0-54-amd64')).toMatchObject({ role: 'image', release: '6.1.0-54-amd64' });
    expect(facts('linux-image-6.1.0-54-amd64-unsigned')).toMatchObject({ role: 'image', release: '6.1.0-54-amd64' });
    expect(facts('linux-headers-6.1.0-54-common')).toMatchObject({ role: 'headers-common', release: '6.1.0-54' });
    expect(facts('linux-headers-6.1.0-54-amd64')).toMatchObject({ role: 'headers', release: '6.1.0-54-amd64' });
    expect(() => facts('coreutils')).toThrow(expect.objectContaining({ code: 'wrong-package' }));
  });

  test('of different versions do not go together', () => {
    const rest = [facts('linux-headers-9.8.7-common'), facts('linux-kbuild-9.8', '9.8.9-1')];
    const ours = facts('linux-image-9.8.7-test');
    expect(() => checkPackages([ours, facts('linux-headers-9.8.7-test'), ...rest])).not.toThrow();
    expect(() => checkPackages([ours, facts('linux-headers-9.8.7-test', '9.8.7-2'), ...rest])).toThrow(
      expect.objectContaining({ code: 'release-mismatch' }),
    );
    expect(() =>
      checkPackages([ours, facts('linux-headers-9.8.7-test'), rest[0] ?? ours, facts('linux-kbuild-9.7')]),
    ).toThrow(expect.objectContaining({ code: 'release-mismatch' }));
  });

  test.each([
    [{ Package: 'linux-image-6.1.0-54-arm64', Architecture: 'arm64' }, 'only kernels of amd64'],
    [{ Package: 'linux-image-6.1.0-54-amd64-dbg', Architecture: 'amd64' }, 'give linux-image-6.1.0-54-amd64 instead'],
    [
      { Package: 'linux-image-amd64', Depends: 'linux-image-6.1.0-54-amd64 (= 6.1.190-1)' },
      'give linux-image-6.1.0-54-amd64',
    ],
    [{ Package: 'coreutils' }, '"coreutils" is no kernel image'],
  ])('that are none of these say what to give: %j', (control, message) => {
    expect(() => packageFacts(control as Record<string, string>)).toThrow(
      expect.objectContaining({ code: 'wrong-package', message: expect.stringContaining(message) as string }),
    );
  });

  test('that are missing or of another kernel are asked for by name', () => {
    const rest = [
      facts('linux-headers-6.1.0-54-amd64', '6.1.190-1'),
      facts('linux-headers-6.1.0-54-common', '6.1.190-1'),
    ];
    const ours = facts('linux-image-6.1.0-54-amd64', '6.1.190-1');
    expect(() => checkPackages([ours, ...rest])).toThrow('linux-kbuild-6.1 is missing');
    expect(() => checkPackages([ours, facts('linux-headers-6.1.0-53-amd64', '6.1.187-1')])).toThrow(
      'give linux-headers-6.1.0-54-amd64, of version 6.1.190-1, instead',
    );
    expect(() => checkPackages([ours])).toThrow('linux-headers-6.1.0-54-amd64, of version 6.1.190-1, is missing');
  });

  test('leave other architectures and other files behind', () => {
    const commonFacts = facts('linux-headers-9.8.7-common');
    const at = (path: string): string | undefined =>
      placement(`usr/src/linux-headers-9.8.7-common/${path}`, commonFacts);
    expect(at('include/linux/a.h')).toBe('headers/include/linux/a.h');
    expect(at('arch/x86/Makefile')).toBe('headers/arch/x86/Makefile');
    expect(at('arch/arm/Makefile')).toBeUndefined();
    expect(placement('usr/share/doc/x', commonFacts)).toBeUndefined();
  });
});

describe('checkConfig', () => {
  const ours = parseConfig(config);
  const check = (headersConfig: string) => (): void => checkConfig(ours, parseConfig(headersConfig));

  test('lets pass what the vendor strips, and nothing else', () => {
    expect(check(`${config}CONFIG_BUILD_SALT="6.1"\n# CONFIG_KASAN is not set\n`)).not.toThrow();
    expect(check(`${config}CONFIG_KASAN=y\n`)).toThrow(expect.objectContaining({ code: 'config-mismatch' }));
    expect(check(config.replace('MODULES=y', 'MODULES=m'))).toThrow(
      expect.objectContaining({ code: 'config-mismatch' }),
    );
  });

  test('refuses a kernel without livepatch', () => {
    const without = parseConfig(config.replace('CONFIG_LIVEPATCH=y\n', ''));
    expect(() => checkConfig(without, without)).toThrow(expect.objectContaining({ code: 'not-patchable' }));
  });
});
