/**
 * What people are shown in a terminal.
 * @module
 */
export { fitted } from './fitted.js';
export { printable, printableLine } from './printable.js';
