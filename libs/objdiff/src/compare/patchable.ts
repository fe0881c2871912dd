import type { Atom } from '../model/atom.js';

/**
 * Does a function begin with a call of `__fentry__`? Only there can ftrace, and so livepatch, redirect it. notrace functions
 * don't, nor do inline ones that weren't inlined (inline implies notrace in Linux).
 */
export function isPatchable(original: Atom): boolean {
  return original.isTraced;
}
