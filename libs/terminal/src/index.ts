/**
 * What people are shown in a terminal.
 * @module
 */
export { printable, printableLine } from './printable.js';
