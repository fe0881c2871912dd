import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Files } from './packages.js';

export const release = '9.8.7-test';
export const version = '9.8.7-1';
const textAddress = 0xffffffff81000000n;

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32LE(value, index * 4));
  return bytes;
}

/** A symbol table as scripts/kallsyms.c writes it, without packing: each letter is its own token. */
function kallsymsOf(names: readonly string[]): Buffer {
  const tokens = Array.from({ length: 256 }, (_, code) => (code > 32 && code < 127 ? String.fromCharCode(code) : '?'));
  const packed = names.map((name) => Buffer.from([name.length + 1, ...Buffer.from(`T${name}`)]));
  const starts = packed.map((_, index) => packed.slice(0, index).reduce((sum, one) => sum + one.length, 0));
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(textAddress);
  head.writeUInt32LE(names.length, 8);
  const index = Buffer.alloc(512);
  tokens.forEach((_, at) => index.writeUInt16LE(at * 2, at * 2));
  const parts = [words(names.map((_, at) => -1 - at * 16)), head, Buffer.concat(packed)];
  parts.push(words(starts.filter((_, at) => at % 256 === 0)), Buffer.alloc(names.length * 3, 1));
  parts.push(Buffer.from(tokens.map((token) => `${token}\0`).join(''), 'latin1'), index);
  return Buffer.concat(parts.map((part) => Buffer.concat([part, Buffer.alloc((8 - (part.length % 8)) % 8)])));
}

const source = `
struct list { struct list *next, *prev; }; struct klp_func { const char *old_name; void *new_func; struct list node; };
struct module { int state; struct list list; char name[56]; struct { union { int a; long b; }; } inner; } it;
const char linux_banner[] = "Linux version ${release} (me@here) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils) 2.40) #1 SMP";
int f(int a) { return a + it.state; }
asm(".pushsection .rodata\\n.balign 8\\n.incbin \\"kallsyms.bin\\"\\n.popsection");
`;
const moduleSource = `__attribute__((section(".modinfo"), used)) static const char info[] =
  "license=GPL\\0name=small\\0vermagic=${release} SMP preempt mod_unload modversions ";`;

/** A kernel of one function, linked and stripped as the vendor's is, and a module for it. */
export function makeSmallKernel(folder: string): void {
  const run = (program: string, ...args: string[]): void => {
    execFileSync(program, args, { cwd: folder });
  };
  const names = Array.from({ length: 600 }, (_, index) => (index === 0 ? '_text' : `symbol_${index}`));
  writeFileSync(join(folder, 'kallsyms.bin'), kallsymsOf(names));
  writeFileSync(join(folder, 'kernel.c'), source);
  writeFileSync(join(folder, 'module.c'), moduleSource);
  const flags = ['-O2', '-fno-pic', '-mcmodel=kernel', '-fcf-protection=none', '-fno-asynchronous-unwind-tables'];
  run('gcc-12', ...flags, '-gbtf', '-c', 'kernel.c', '-o', 'kernel.o');
  run('gcc-12', ...flags, '-c', 'module.c', '-o', 'small.ko');
  const addresses = [`-Ttext=0x${textAddress.toString(16)}`, '--section-start=.rodata=0xffffffff82000000'];
  run(
    'ld',
    ...addresses,
    '--build-id',
    '--no-warn-rwx-segments',
    '-z',
    'max-page-size=4096',
    '-e',
    '0',
    '-o',
    'vmlinux',
    'kernel.o',
  );
  run('objcopy', '--strip-all', '--keep-section=.BTF', '--rename-section', '.note.gnu.build-id=.notes', 'vmlinux');
}

/** A boot image with one setup sector (Documentation/x86/boot.rst), its payload packed by gzip. */
export function bootImageOf(vmlinux: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(vmlinux.length);
  const payload = Buffer.concat([gzipSync(vmlinux, { level: 1 }), size]);
  const head = Buffer.alloc(1024 + 16);
  head.writeUInt8(1, 0x1f1);
  head.write('HdrS', 0x202);
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(16, 0x248);
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, payload]);
}

const config = ['X86_64', 'MODULES', 'LIVEPATCH', 'KALLSYMS_ALL', 'DYNAMIC_FTRACE_WITH_REGS', 'HAVE_FENTRY']
  .map((option) => `CONFIG_${option}=y\n`)
  .join('');
const variables = ['CC=gcc-12', 'KBUILD_CFLAGS=-O2', 'LINUXINCLUDE=-I.', 'KBUILD_CPPFLAGS=-D__KERNEL__', 'SRCARCH=x86'];
const headers = `usr/src/linux-headers-${release}`;

/** What the vendor's packages hold, by package name. */
export function packageFiles(bootImage: Buffer, module: Buffer): Readonly<Record<string, Files>> {
  return {
    [`linux-image-${release}`]: {
      [`./boot/vmlinuz-${release}`]: bootImage,
      [`./boot/config-${release}`]: config,
      [`./lib/modules/${release}/kernel/small.ko`]: module,
      [`./lib/modules/${release}/modules.order`]: 'kernel/small.ko\n',
    },
    [`linux-headers-${release}`]: {
      [`./${headers}/.config`]: `${config}CONFIG_BUILD_SALT="x"\n`,
      [`./${headers}/Module.symvers`]:
        '0x12345678\tf\tvmlinux\tEXPORT_SYMBOL\t\n0x00000001\tg\tkernel/small\tEXPORT_SYMBOL_GPL\tNS\n',
      [`./${headers}/scripts@`]: '/usr/lib/linux-kbuild-9.8/scripts',
      [`./${headers}/include/link.h@`]: 'linux/a.h',
    },
    'linux-headers-9.8.7-common': {
      './usr/src/linux-headers-9.8.7-common/Makefile': variables
        .map((one) => `export ${one.replace('=', ':=')}\n`)
        .join(''),
      './usr/src/linux-headers-9.8.7-common/include/linux/a.h': 'int a;\n',
    },
    'linux-kbuild-9.8': { './usr/lib/linux-kbuild-9.8/scripts/x': 'x' },
  };
}

export interface SmallKernel {
  readonly vmlinux: Buffer;
  readonly module: Buffer;
  /** Its `.BTF` alone. */
  readonly btf: Buffer;
}

export function readSmallKernel(folder: string): SmallKernel {
  return {
    vmlinux: readFileSync(join(folder, 'vmlinux')),
    module: readFileSync(join(folder, 'small.ko')),
    btf: readFileSync(join(folder, 'btf.bin')),
  };
}

/** Takes the types out of the kernel: a target of their own. */
export function takeOutBtf(folder: string): void {
  execFileSync('objcopy', ['--dump-section', '.BTF=btf.bin', 'vmlinux', 'copy'], { cwd: folder });
}
