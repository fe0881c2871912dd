import { digestOf } from '#libs/contracts';
import type { Correlation } from '../correlate/correlate.js';
import type { Findings } from '../findings.js';
import { type Atom, isCopied, isShared, type Reference } from '../model/atom.js';
import { coldParentName, isNumbered } from '../model/names.js';
import type { ObjectFile } from '../model/object-file.js';
import type { InFlight } from './in-flight.js';
import type { ReasonCode } from '../outcome.js';
import type { KernelReference, Replacement, Selection } from './selection.js';
import { takesAddress } from '../model/uses.js';

export interface Selected {
  readonly selection: Selection;
  readonly added: readonly string[];
  readonly bundled: readonly string[];
  readonly references: readonly KernelReference[];
}

/** Follows the references of the changed functions, and of new global symbols, to everything the kernel doesn't have. */
export function select(
  input: { objectFile: string; owner: string; patched: ObjectFile; inFlight: readonly InFlight[] },
  correlation: Correlation,
  changed: ReadonlySet<Atom>,
  findings: Findings,
): Selected {
  const walk = new Walk(correlation, changed, findings);
  for (const atom of input.patched.atoms) if (changed.has(atom)) walk.include(atom);
  for (const atom of input.patched.atoms) if (isNewGlobal(atom, correlation)) walk.include(atom);
  walk.run();
  const inOrder = input.patched.atoms.filter((atom) => walk.included.has(atom));
  const replacements = inOrder.flatMap((atom): Replacement[] => {
    const original = correlation.twins.originalOf(atom);
    if (atom.kind !== 'function' || original === undefined) return [];
    return [{ atom, original, summary: summaryOf(atom, original) }];
  });
  const isNew = (atom: Atom) => correlation.twins.originalOf(atom) === undefined;
  return {
    selection: {
      objectFile: input.objectFile,
      owner: input.owner,
      replacements,
      addedFunctions: inOrder.filter((atom) => atom.kind === 'function' && isNew(atom)),
      data: inOrder.filter((atom) => atom.kind === 'data'),
      inFlight: input.inFlight,
      staysLoaded: findings.notices.some(({ code }) => outliving.has(code)),
      twins: correlation.twins,
    },
    added: inOrder.filter((atom) => isNew(atom) && !isBundled(atom)).map(({ name }) => name),
    bundled: inOrder.filter((atom) => isNew(atom) && isBundled(atom)).map(({ name }) => name),
    references: [...walk.references.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
  };
}

/** Notices of what the kernel may hold on to when the patch has been taken back. */
const outliving: ReadonlySet<string> = new Set<ReasonCode>(['new-code-address', 'constant-handed-on']);

function isNewGlobal(atom: Atom, { twins }: Correlation): boolean {
  return (
    atom.global &&
    (atom.role === 'text' || isPlaceable(atom)) &&
    twins.originalOf(atom) === undefined &&
    !isCopied(atom)
  );
}

/** May new data of that kind stand in a module? */
function isPlaceable({ role }: Atom): boolean {
  return role === 'data' || role === 'sealed' || role === 'readonly' || role === 'once' || role === 'dyndbg';
}

/** Comes along only because the new code can't be without it. */
function isBundled(atom: Atom): boolean {
  const isConstant = atom.role === 'readonly' && isNumbered(atom.name);
  return isConstant || isCopied(atom) || atom.role === 'aux' || coldParentName(atom.name) !== undefined;
}

function summaryOf(atom: Atom, original: Atom) {
  return {
    symbol: original.name,
    oldSha256: digestOf(original.bytes),
    newSha256: digestOf(atom.bytes),
    sizeBytes: atom.sizeBytes,
  };
}

class Walk {
  readonly included = new Set<Atom>();
  readonly references = new Map<string, KernelReference>();
  private readonly queue: Atom[] = [];

  constructor(
    private readonly correlation: Correlation,
    private readonly changed: ReadonlySet<Atom>,
    private readonly findings: Findings,
  ) {}

  include(atom: Atom): void {
    if (this.included.has(atom)) return;
    this.included.add(atom);
    this.queue.push(atom);
  }

  run(): void {
    // The queue grows while it is gone through.
    for (const atom of this.queue) {
      for (const reference of atom.references) this.follow(atom, reference);
      for (const entry of atom.special)
        for (const reference of [...entry.references, ...(entry.replacement?.references ?? [])])
          if (reference.target.kind !== 'atom' || !this.included.has(reference.target.atom))
            this.follow(atom, reference);
    }
  }

  private follow(user: Atom, reference: Reference): void {
    const { target } = reference;
    switch (target.kind) {
      case 'string':
      case 'constant':
        return;
      case 'external':
        this.need({ symbol: target.name, definedHere: false });
        return;
      case 'unknown':
        this.findings.refuse({
          code: target.what.startsWith('relocation type') ? 'unsupported-relocation' : 'ambiguous-reference',
          symbol: user.name,
          reason: `at byte ${reference.at}: ${target.what}`,
        });
        return;
      case 'atom':
        if (target.atom.kind === 'function') this.followCode(user, reference, target.atom);
        else this.followData(user, target.atom);
    }
  }

  private followCode(user: Atom, reference: Reference, target: Atom): void {
    if (target === user) return;
    const original = this.correlation.twins.originalOf(target);
    if (this.changed.has(target)) {
      if (original !== undefined && takesAddress(user, reference))
        this.need({ symbol: original.name, definedHere: true });
    } else if (original !== undefined) {
      if (target.role === 'init') this.refuseInit(user, target);
      this.need({ symbol: original.name, definedHere: true });
    } else if (target.role === 'aux' || (target.role === 'text' && !isShared(target))) {
      if (target.role === 'text' && takesAddress(user, reference)) this.noticeAddress(user, target);
      this.include(target);
    } else
      this.findings.refuse({
        code: target.role === 'text' ? 'bundled-sections' : target.role === 'init' ? 'init-changed' : 'noinstr-changed',
        symbol: target.name,
        reason: `new code in ${target.section.name}, needed by ${user.name}`,
      });
  }

  private noticeAddress(user: Atom, target: Atom): void {
    this.findings.notice({
      code: 'new-code-address',
      symbol: target.name,
      reason: `new code, of which ${user.name} gives the address away: it may be kept and called when the patch has been taken back`,
    });
  }

  private followData(user: Atom, target: Atom): void {
    const original = this.correlation.twins.originalOf(target);
    const ambiguous = this.correlation.ambiguous.get(target);
    if (ambiguous !== undefined) {
      this.findings.refuse({ ...ambiguous, code: 'static-local-ambiguous', symbol: target.name });
    } else if (target.role === 'init') this.refuseInit(user, target);
    else if (original !== undefined) this.needData(user, original);
    else if (isPlaceable(target)) this.include(target);
    else
      this.findings.refuse({
        code: target.role === 'percpu' ? 'data-changed' : 'registration-changed',
        symbol: target.name,
        reason: `new in ${target.section.name}, needed by ${user.name}`,
        advice: target.role === 'percpu' ? 'Allocate per-CPU data at run time.' : undefined,
      });
  }

  private needData(user: Atom, original: Atom): void {
    if (original.symbols.length > 0) this.need({ symbol: original.name, definedHere: true });
    else
      this.findings.refuse({
        code: 'ambiguous-reference',
        symbol: user.name,
        reason: `it needs data without a name in ${original.section.name}`,
      });
  }

  private refuseInit(user: Atom, target: Atom): void {
    this.findings.refuse({
      code: 'init-changed',
      symbol: user.name,
      reason: `it refers to ${target.name} in ${target.section.name}, which is gone after boot or load`,
    });
  }

  private need(reference: KernelReference): void {
    this.references.set(`${reference.definedHere ? 'here' : 'elsewhere'} ${reference.symbol}`, reference);
  }
}
