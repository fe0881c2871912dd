/** A section to be written. */
export interface NewSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly entrySizeBytes?: number;
  readonly data: Uint8Array;
}

/** A symbol to be written; `section` is what `addSection` gave, or a reserved `SectionIndex`. */
export interface NewSymbol {
  readonly name: string;
  readonly binding: number;
  readonly type: number;
  readonly section: SectionHandle | number;
  readonly value?: number;
  readonly sizeBytes?: number;
}

export interface NewRelocation {
  readonly offset: number;
  readonly type: number;
  readonly symbol: SymbolHandle;
  readonly addend: number;
}

declare const handle: unique symbol;
/** What the builder gives out for a section or symbol that was added; numbers inside, opaque outside. */
export type SectionHandle = { readonly [handle]: 'section'; readonly order: number };
export type SymbolHandle = { readonly [handle]: 'symbol'; readonly order: number };

/** A section with relocations, as the layout needs it. */
export interface PlannedRelocations {
  readonly name: string;
  readonly flags: number;
  readonly target: number;
  readonly relocations: readonly NewRelocation[];
}
