import { createHash } from 'node:crypto';
import { ObjectBuilder, SymbolBinding } from '#libs/elf';
import { Findings } from '../findings.js';
import { refuseMixedObjects } from '../select/mixing.js';
import type { Selection } from '../select/selection.js';
import { checkSize, type Included, layOut, type Layout } from './code.js';
import { Constants } from './constants.js';
import { LateKeys } from './late-keys.js';
import { loaderData, type PlacedFunction, versionsSection } from './loader-data.js';
import { buildIdSection, originSection } from './notes.js';
import type { OutputSection } from './output.js';
import type { EmitOutcome, EmitRequest } from './request.js';
import { ReferenceResolver } from './resolver.js';
import { isInAlternative, SpecialTables } from './special.js';
import { KernelSymbols } from './symbols.js';
import { writeSections } from './write.js';

/** Makes one loadable livepatch module of the selections, or says every reason why it can't. */
export function emitModule(request: EmitRequest): EmitOutcome {
  const findings = new Findings('module');
  checkRequest(request, findings);
  refuseMixedObjects(request.diffs, findings);
  if (!checkSize(request.diffs, findings)) return { outcome: 'refused', reasons: findings.reasons };
  const kernel = new KernelSymbols(request.kernel, findings);
  const constants = new Constants();
  const late = new LateKeys(request.diffs, kernel, findings);
  const layout = layOut(request.diffs, (diff, atom) => late.codeOf(diff, atom));
  const resolver = new ReferenceResolver(request.diffs, layout.places, constants, kernel, findings);
  for (const included of layout.included) relocateAtom(included, layout, resolver, findings);
  const special = new SpecialTables(layout, resolver, findings);
  const functions = request.diffs.flatMap((diff) => patchedSymbols(diff, layout, kernel));
  refuseTwice(functions, findings);
  const { name, replace, tags = {} } = request;
  const unloadable = !request.diffs.some(({ staysLoaded }) => staysLoaded);
  const loader = loaderData(
    { name, kernel: request.kernel, replace, unloadable, tags, functions },
    constants,
    findings,
  );
  const content = [
    layout.text,
    ...(loader?.sections ?? []),
    ...layout.data,
    constants.strings,
    constants.fixed,
    ...special.sections,
  ].filter(({ sizeBytes }) => sizeBytes > 0);
  noticeReload(content, findings);
  const versions = versionsSection(importsOf(content), request.kernel, findings);
  const sections = [...content, versions, originSection(request, findings)];
  if (findings.reasons.length > 0) return { outcome: 'refused', reasons: findings.reasons };
  return {
    outcome: 'emitted',
    bytes: withBuildId(sections, layout),
    functions: functions.map(({ symbol }) => symbol),
    depends: [],
    unloadable,
    notices: findings.notices,
  };
}

function checkRequest({ name, diffs, tags = {} }: EmitRequest, findings: Findings): void {
  if (!/^[a-z0-9_]{1,55}$/.test(name))
    findings.refuse({ code: 'module-name', symbol: name, reason: 'not 1 to 55 of a-z, 0-9 and _' });
  if (!diffs.some(({ replacements }) => replacements.length > 0))
    findings.refuse({ code: 'nothing-to-emit', reason: 'no function of the kernel is replaced' });
  for (const [key, value] of Object.entries(tags))
    if (!/^[a-z_]{1,32}$/.test(key) || value.includes('\0') || value.length > 1024)
      findings.refuse({ code: 'module-name', symbol: key, reason: 'not a .modinfo tag' });
}

function relocateAtom(included: Included, layout: Layout, resolver: ReferenceResolver, findings: Findings): void {
  const { diff, atom, code } = included;
  const place = layout.places.get(atom);
  if (place === undefined) return;
  for (const reference of code.references) {
    const settled = resolver.settle(diff, code, reference);
    if (settled === undefined) continue;
    const { target, addend } = settled;
    if (target.kind === 'klp' && target.owner !== 'vmlinux' && isInAlternative(atom, reference.at))
      findings.refuse({
        code: 'klp-relocation',
        symbol: atom.name,
        reason: `an alternative refers to ${target.name} of ${target.owner}, which may come later than the patch`,
      });
    const offset = place.offset + reference.at;
    place.section.relocations.push({ offset, type: reference.type, target, addend, owner: diff.owner });
  }
}

/** The klp_funcs, each with the sympos that the loader will look it up by. */
function patchedSymbols(diff: Selection, layout: Layout, kernel: KernelSymbols): PlacedFunction[] {
  const { owner, objectFile } = diff;
  return diff.replacements.flatMap(({ atom, original, summary }) => {
    const place = layout.places.get(atom);
    const scope = original.global ? 'here' : 'local';
    const isWeak = original.symbols.some(
      ({ name, binding }) => name === original.name && binding === SymbolBinding.WEAK,
    );
    const sympos = kernel.symposOf({ name: original.name, owner, objectFile, scope }, isWeak);
    if (place === undefined || sympos === undefined) return [];
    return [{ symbol: { object: owner, objectFile, sympos, ...summary }, place }];
  });
}

function refuseTwice(functions: readonly PlacedFunction[], findings: Findings): void {
  const seen = new Set<string>();
  for (const {
    symbol: { object, symbol, sympos },
  } of functions) {
    const key = `${object} ${symbol} ${sympos}`;
    if (seen.has(key)) findings.refuse({ code: 'symbol-conflict', symbol, reason: 'two objects replace it' });
    seen.add(key);
  }
}

/**
 * Linux before 6.3 leaves the values of a module's klp relocations in the patch when that module goes, and finds them in
 * its way when it comes again ("Skipping invalid relocation target, existing value is nonzero"): the module isn't loaded.
 */
function noticeReload(sections: readonly OutputSection[], findings: Findings): void {
  const late = sections.flatMap(({ relocations }) =>
    relocations.flatMap(({ target, owner }) => (target.kind === 'klp' && target.owner !== 'vmlinux' ? owner : [])),
  );
  for (const symbol of new Set(late))
    findings.notice({
      code: 'module-reload',
      symbol,
      reason: `once ${symbol} has been unloaded, kernels before 6.3 don't load it again as long as this patch is loaded`,
      advice: `Disable and unload the patch before ${symbol} is loaded a second time.`,
    });
}

function importsOf(sections: readonly OutputSection[]): string[] {
  const names = sections.flatMap(({ relocations }) =>
    relocations.flatMap(({ target }) => (target.kind === 'import' ? target.name : [])),
  );
  return [...new Set(names)].sort();
}

/** The id is over the module as it is with an id of zeros: the same input gives the same id. */
function withBuildId(sections: readonly OutputSection[], layout: Layout): Uint8Array {
  const write = (id: Uint8Array) => {
    const builder = new ObjectBuilder();
    writeSections([...sections, buildIdSection(id)], layout, builder);
    return builder.build();
  };
  const draft = write(new Uint8Array(20));
  return write(createHash('sha256').update(draft).digest().subarray(0, 20));
}
