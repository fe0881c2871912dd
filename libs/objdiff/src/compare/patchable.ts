import type { Atom } from '../model/atom.js';

const endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];

/**
 * Does a function begin with `call __fentry__` (behind an endbr64 at most) and stand in `__mcount_loc`? Only there can
 * ftrace, and so livepatch, redirect it. notrace functions don't, nor do inline ones that weren't inlined (inline
 * implies notrace in Linux).
 */
export function isPatchable(original: Atom): boolean {
  const call = original.references.find(
    (reference) => reference.target.kind === 'external' && reference.target.name === '__fentry__',
  );
  if (call === undefined || original.bytes[call.at - 1] !== 0xe8) return false;
  const entry = call.at - 1;
  const atStart = entry === 0 || (entry === 4 && endbr64.every((byte, index) => original.bytes[index] === byte));
  return (
    atStart && original.special.some(({ section, codeOffset }) => section === '__mcount_loc' && codeOffset === entry)
  );
}
