import { RelocationType, SectionFlag, SectionType, SymbolType } from '#libs/elf';
import type { Findings } from '../findings.js';
import type { KernelView, LoaderStruct } from '../kernel-view.js';
import type { Constants } from './constants.js';
import { OutputSection, type Place, type Resolved } from './output.js';
import type { PatchedSymbol } from './request.js';
import { maxVersionedName } from './symbols.js';

const { ALLOC, WRITE, EXECINSTR } = SectionFlag;
const maxStructSizeBytes = 65536;

/** Sizes and offsets out of the kernel's BTF; a missing one is refused, once. */
class Structures {
  missing = false;

  constructor(
    private readonly kernel: KernelView,
    private readonly findings: Findings,
  ) {}

  size(struct: LoaderStruct): number {
    return this.known(struct, this.kernel.sizeOf(struct));
  }

  offset(struct: LoaderStruct, member: string): number {
    return this.known(`${struct}.${member}`, this.kernel.offsetOf(struct, member));
  }

  private known(what: string, value: number | undefined): number {
    if (value !== undefined && Number.isInteger(value) && value >= 0 && value <= maxStructSizeBytes) return value;
    this.missing = true;
    this.findings.refuse({ code: 'kernel-layout', symbol: what, reason: "the kernel's BTF doesn't tell its layout" });
    return 0;
  }
}

/** What the module loader and the livepatch core read: struct module, klp arrays, init and exit, .modinfo. */
export interface LoaderData {
  readonly sections: readonly OutputSection[];
}

/** A replacing function: how the loader finds the old one, and where the new one is. */
export interface PlacedFunction {
  readonly symbol: PatchedSymbol;
  readonly place: Place;
}

export interface LoaderRequest {
  readonly name: string;
  readonly kernel: KernelView;
  readonly replace: boolean;
  readonly unloadable: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly functions: readonly PlacedFunction[];
}

/** Builds them; undefined after a refusal. */
export function loaderData(request: LoaderRequest, constants: Constants, findings: Findings): LoaderData | undefined {
  const structures = new Structures(request.kernel, findings);
  const thisModule = moduleSection(request.name, structures);
  const livepatch = livepatchSection(request, structures, constants, thisModule.place);
  if (structures.missing) return undefined;
  const init = new OutputSection('.init.text', SectionType.PROGBITS, ALLOC | EXECINSTR);
  const exit = new OutputSection('.exit.text', SectionType.PROGBITS, ALLOC | EXECINSTR);
  addInit(init, livepatch.patch, thisModule, structures);
  if (request.unloadable) addExit(exit, thisModule, structures);
  return { sections: [init, exit, livepatch.section, thisModule.section, modinfoSection(request)] };
}

function place(section: OutputSection, offset: number, name: string, sizeBytes: number, type: number): Place {
  return {
    section,
    offset,
    symbol: { name, type, sizeBytes, global: type === SymbolType.FUNC || name === '__this_module' },
  };
}

function relocate(section: OutputSection, offset: number, target: Place, type: number = RelocationType.ABS64): void {
  section.relocations.push({ offset, type, target: { kind: 'place', place: target }, addend: 0, owner: 'vmlinux' });
}

function moduleSection(name: string, structures: Structures): { section: OutputSection; place: Place } {
  const section = new OutputSection('.gnu.linkonce.this_module', SectionType.PROGBITS, ALLOC | WRITE);
  const bytes = new Uint8Array(structures.size('module'));
  const at = structures.offset('module', 'name');
  if (at + name.length < bytes.length) bytes.set(Buffer.from(name, 'latin1'), at);
  section.append(bytes, 64);
  return { section, place: place(section, 0, '__this_module', bytes.length, SymbolType.OBJECT) };
}

/** klp_patch → klp_object[] → klp_func[], each array ended by zeros (include/linux/livepatch.h). */
function livepatchSection(
  { functions, replace }: LoaderRequest,
  structures: Structures,
  constants: Constants,
  thisModule: Place,
): { section: OutputSection; patch: Place } {
  const section = new OutputSection('.data.livepatch', SectionType.PROGBITS, ALLOC | WRITE);
  const objects = [...new Set(functions.map(({ symbol }) => symbol.object))];
  const sizes = { func: structures.size('klp_func'), object: structures.size('klp_object') };
  const arrays = objects.map((object) => {
    const own = functions.filter(({ symbol }) => symbol.object === object);
    const bytes = new Uint8Array(sizes.func * (own.length + 1));
    const at = section.append(bytes, 8);
    own.forEach(({ symbol: { symbol, sympos }, place: code }, index) => {
      const base = index * sizes.func;
      relocate(section, at + base + structures.offset('klp_func', 'old_name'), constants.string(symbol));
      relocate(section, at + base + structures.offset('klp_func', 'new_func'), code);
      const field = base + structures.offset('klp_func', 'old_sympos');
      if (field + 8 <= bytes.length) new DataView(bytes.buffer).setBigUint64(field, BigInt(sympos), true);
    });
    return { object, place: { section, offset: at } };
  });
  const objectsAt = section.append(new Uint8Array(sizes.object * (objects.length + 1)), 8);
  arrays.forEach(({ object, place: array }, index) => {
    const base = objectsAt + index * sizes.object;
    if (object !== 'vmlinux')
      relocate(section, base + structures.offset('klp_object', 'name'), constants.string(object));
    relocate(section, base + structures.offset('klp_object', 'funcs'), array);
  });
  const patchBytes = new Uint8Array(structures.size('klp_patch'));
  const replaceAt = structures.offset('klp_patch', 'replace');
  if (replaceAt < patchBytes.length) patchBytes[replaceAt] = replace ? 1 : 0;
  const patchAt = section.append(patchBytes, 8);
  relocate(section, patchAt + structures.offset('klp_patch', 'mod'), thisModule);
  relocate(section, patchAt + structures.offset('klp_patch', 'objs'), { section, offset: objectsAt });
  return { section, patch: place(section, patchAt, 'klp_patch', patchBytes.length, SymbolType.OBJECT) };
}

/** init_module: mov $klp_patch, %rdi; jmp klp_enable_patch. */
function addInit(
  init: OutputSection,
  patch: Place,
  thisModule: { section: OutputSection },
  structures: Structures,
): void {
  init.append(Uint8Array.of(0x48, 0xc7, 0xc7, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0xcc), 16);
  relocate(init, 3, patch, RelocationType.ABS32S);
  const enable: Resolved = { kind: 'import', name: 'klp_enable_patch' };
  init.relocations.push({ offset: 8, type: RelocationType.PLT32, target: enable, addend: -4, owner: 'vmlinux' });
  const initPlace = place(init, 0, 'init_module', init.sizeBytes, SymbolType.FUNC);
  relocate(thisModule.section, structures.offset('module', 'init'), initPlace);
}

/** cleanup_module: ret. The kernel never unloads a module that has an init but no exit function (delete_module, EBUSY). */
function addExit(exit: OutputSection, thisModule: { section: OutputSection }, structures: Structures): void {
  exit.append(Uint8Array.of(0xc3, 0xcc), 16);
  const exitPlace = place(exit, 0, 'cleanup_module', exit.sizeBytes, SymbolType.FUNC);
  relocate(thisModule.section, structures.offset('module', 'exit'), exitPlace);
}

function modinfoSection({ name, kernel, unloadable, tags }: LoaderRequest): OutputSection {
  const section = new OutputSection('.modinfo', SectionType.PROGBITS, ALLOC);
  const extra = Object.keys(tags).sort();
  const fields = [
    'license=GPL',
    'livepatch=Y',
    ...(unloadable ? [] : ['stays_loaded=Y']),
    ...extra.map((key) => `${key}=${tags[key]}`),
    'depends=',
    'retpoline=Y',
    `name=${name}`,
    `vermagic=${kernel.vermagic}`,
  ];
  for (const field of fields) section.append(Buffer.from(`${field}\0`, 'utf8'));
  return section;
}

/** struct modversion_info for each import, and for module_layout, which stands for the shape of struct module itself. */
export function versionsSection(imports: readonly string[], kernel: KernelView, findings: Findings): OutputSection {
  const section = new OutputSection('__versions', SectionType.PROGBITS, ALLOC);
  for (const name of ['module_layout', ...imports.filter((name) => name !== 'module_layout')]) {
    const exported = kernel.exportOf(name);
    if (exported === undefined || exported.owner !== 'vmlinux' || name.length > maxVersionedName) {
      findings.refuse({ code: 'symbol-not-found', symbol: name, reason: 'vmlinux exports no symbol of that name' });
      continue;
    }
    const entry = new Uint8Array(64);
    new DataView(entry.buffer).setBigUint64(0, BigInt(exported.crc >>> 0), true);
    entry.set(Buffer.from(name, 'latin1'), 8);
    section.append(entry, 32);
  }
  return section;
}
