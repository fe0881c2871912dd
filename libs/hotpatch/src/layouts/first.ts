import type { Reason } from '#libs/contracts';
import { sectionNamed } from '#libs/elf';
import { compileTypes, type DeclaredTypes, KbuildError, type ObjectRule, type Workspace } from '#libs/kbuild';
import type { BtfStruct, KernelProfile } from '#libs/kernelimage';
import { compareTypes } from './compare.js';
import { typesOf } from './types.js';

/** Objects that are compiled for this; more than enough, for who includes a header directly comes first. */
const maxAsked = 6;

/** What a few objects say of headers. */
export interface FirstLook {
  /** `layout-changed` */
  readonly layouts: readonly Reason[];
  /** Why an object doesn't compile any more. */
  readonly failure?: { readonly error: KbuildError };
}

/**
 * Decides, from the types that one object with each of the headers declares, whether the layout of a structure changes that the running
 * kernel has: then it is no matter how many objects include them (`struct sock` is in thousands).
 * @param objects in the order in which they are asked
 */
export async function layoutsFirst(
  before: Workspace,
  after: Workspace,
  headers: readonly string[],
  objects: AsyncIterable<ObjectRule>,
): Promise<FirstLook> {
  const open = new Set(headers);
  const layouts = new Map<string, Reason>();
  let asked = 0;
  for await (const rule of objects) {
    const old = await declared(before, rule);
    // What the vendor's source itself doesn't make here is no answer.
    const now = old instanceof KbuildError ? undefined : await declared(after, rule);
    if (now instanceof KbuildError) return { layouts: [...layouts.values()], failure: { error: now } };
    if (!(old instanceof KbuildError) && now !== undefined) {
      for (const path of open) if (old.files.has(path) || now.files.has(path)) open.delete(path);
      for (const reason of changedLayouts(before.profile, rule, old, now)) layouts.set(reason.symbol ?? '', reason);
    }
    if (open.size === 0 || (asked += 1) >= maxAsked) break;
  }
  return { layouts: [...layouts.values()] };
}

async function declared(workspace: Workspace, rule: ObjectRule): Promise<DeclaredTypes | KbuildError> {
  try {
    return await compileTypes(workspace, rule);
  } catch (error) {
    if (error instanceof KbuildError && error.code !== 'compiler-not-found') return error;
    throw error;
  }
}

/** A structure that is declared but nowhere in the kernel may change: nothing is laid out so. */
function changedLayouts(
  profile: KernelProfile,
  { object, owner }: ObjectRule,
  old: DeclaredTypes,
  now: DeclaredTypes,
): readonly Reason[] {
  const [before, after] = [typesOf(old.bytes), typesOf(now.bytes)];
  if (!before || !after) return [];
  const changed = compareTypes(object, before, after).reasons.filter(({ code }) => code === 'layout-changed');
  return changed.filter(({ symbol = '' }) => {
    const struct = before.structs.get(symbol);
    return struct !== undefined && struct.name !== '' && isAlive(profile, owner, struct);
  });
}

/** Has the kernel, or the module, that type? A module's own ones are told by the names in its BTF. */
function isAlive(profile: KernelProfile, owner: string, { name, sizeBytes, members }: BtfStruct): boolean {
  const known = profile.btf.structsNamed(name);
  if (known.some((one) => one.sizeBytes === sizeBytes && one.members.length === members.length)) return true;
  const module = owner === 'vmlinux' ? undefined : profile.module(owner);
  const section = module && sectionNamed(module, '.BTF');
  return section !== undefined && Buffer.from(section.data).includes(`\0${name}\0`, 'latin1');
}
