import { onPostgres } from './use.js';

await onPostgres();
await import('../as-of.test.js');
