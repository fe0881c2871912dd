import type { ObjectBuilder, SectionHandle } from '#libs/elf';

/** What a relocation of the module is resolved to. */
export type Resolved =
  /** In the module itself. */
  | { readonly kind: 'place'; readonly place: Place }
  /** Exported by vmlinux: an ordinary undefined symbol. */
  | { readonly kind: 'import'; readonly name: string }
  /** Found by the livepatch loader, among all symbols of `owner`. */
  | { readonly kind: 'klp'; readonly owner: string; readonly name: string; readonly sympos: number };

/** A relocation of the module, before its symbols are made. */
export interface PlannedRelocation {
  readonly offset: number;
  readonly type: number;
  readonly target: Resolved;
  readonly addend: number;
  /** The klp_object it is for: which module must be there before it can be resolved. */
  readonly owner: string;
}

/** Somewhere in an output section; with a name, there is a symbol for it. */
export interface Place {
  readonly section: OutputSection;
  readonly offset: number;
  readonly symbol?: {
    readonly name: string;
    readonly type: number;
    readonly sizeBytes: number;
    readonly global?: boolean;
  };
}

/** A section of the module while it grows. */
export class OutputSection {
  readonly relocations: PlannedRelocation[] = [];
  private readonly chunks: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  private endsAt = 0;
  private strictest = 1;

  constructor(
    readonly name: string,
    readonly type: number,
    readonly flags: number,
    private readonly filler = 0,
    readonly entrySizeBytes = 0,
  ) {}

  get sizeBytes(): number {
    return this.endsAt;
  }

  /** Where the bytes were put. */
  append(bytes: Uint8Array, align = 1): number {
    const at = Math.ceil(this.endsAt / align) * align;
    this.chunks.push({ at, bytes });
    this.endsAt = at + bytes.length;
    this.strictest = Math.max(this.strictest, align);
    return at;
  }

  addTo(builder: ObjectBuilder): SectionHandle {
    const data = new Uint8Array(this.endsAt).fill(this.filler);
    for (const { at, bytes } of this.chunks) data.set(bytes, at);
    const { name, type, flags, entrySizeBytes } = this;
    return builder.addSection({ name, type, flags, entrySizeBytes, align: this.strictest, data });
  }
}
