/**
 * Keys for whoever signs: machines, services, releases.
 * @module
 */
export { newEd25519Key } from './new-key.js';
