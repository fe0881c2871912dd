/** A member of a structure or union. */
export interface BtfMember {
  readonly name: string;
  /** From the structure's start, in bits. */
  readonly offsetBits: number;
  /** Width of a bit field; 0 for an ordinary member. */
  readonly widthBits: number;
  readonly typeId: number;
}

/** A structure or union with its layout. */
export interface BtfStruct {
  readonly id: number;
  readonly kind: 'struct' | 'union';
  /** Empty for an anonymous one. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly members: readonly BtfMember[];
}

/** An enumeration's constant. */
export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}

/** Any type, as BTF describes it; those that matter to nobody's layout are `other`. */
export type BtfType =
  | BtfStruct
  /** `encoding`: 1 signed, 2 char, 4 bool. */
  | { readonly kind: 'int'; readonly name: string; readonly sizeBytes: number; readonly encoding: number }
  | { readonly kind: 'float'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'pointer'; readonly typeId: number }
  | { readonly kind: 'array'; readonly typeId: number; readonly count: number }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly sizeBytes: number;
      readonly values: readonly BtfEnumerator[];
    }
  /** `struct name;` alone: its layout isn't known. */
  | { readonly kind: 'declared'; readonly name: string }
  | { readonly kind: 'typedef'; readonly name: string; readonly typeId: number }
  /** const, volatile, restrict or a tag: changes nothing in memory. */
  | { readonly kind: 'qualified'; readonly typeId: number }
  | { readonly kind: 'prototype'; readonly returnId: number; readonly parameterIds: readonly number[] }
  | { readonly kind: 'function'; readonly name: string; readonly typeId: number }
  | { readonly kind: 'variable'; readonly name: string; readonly typeId: number }
  | { readonly kind: 'other' };
