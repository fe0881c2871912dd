import type { Reason } from '#libs/contracts';

/** A name that a compiler misses, or has otherwise than the code expects. */
export interface MissingName {
  readonly name: string;
  readonly kind: 'name' | 'member' | 'type' | 'prototype' | 'header';
  /** The file that asks for it. */
  readonly path: string;
}

const patterns: readonly (readonly [MissingName['kind'], RegExp])[] = [
  ['name', /'(\w+)' undeclared/],
  ['name', /implicit declaration of function '(\w+)'/],
  ['name', /label '(\w+)' used but not defined/],
  ['member', /has no member named '(\w+)'/],
  ['type', /unknown type name '(\w+)'/],
  ['type', /'(?:struct|union|enum) (\w+)' declared inside parameter list/],
  ['type', /(?:undefined|incomplete) (?:typedef|type) '(?:struct |union |enum )?(\w+)/],
  ['prototype', /too (?:many|few) arguments to function '(\w+)'/],
  ['prototype', /macro "(\w+)" (?:passed|requires) \d+ arguments/],
  ['prototype', /incompatible type for argument \d+ of '(\w+)'/],
  ['prototype', /conflicting types for '(\w+)'/],
  ['prototype', /passing argument \d+ of '(\w+)'/],
  ['prototype', /static declaration of '(\w+)' follows/],
  ['header', /fatal error: ([\w./-]+): No such file or directory/],
];

/** The names that a compiler's messages ask for, in their order. */
export function missingNames(reasons: readonly Reason[]): readonly MissingName[] {
  const found = new Map<string, MissingName>();
  for (const { code, reason } of reasons) {
    if (code !== 'compile-failed') continue;
    // gcc's quotes follow the locale.
    for (const line of reason.replaceAll(/[‘’`]/g, "'").split('\n')) {
      const path = /^(?:\.\/)?([\w./+-]+):\d+/.exec(line)?.[1] ?? '';
      for (const [kind, pattern] of patterns) {
        const name = pattern.exec(line)?.[1];
        if (name !== undefined) found.set(`${kind} ${name}`, { name, kind, path });
      }
    }
  }
  return [...found.values()];
}
