import { onPostgres } from './use.js';

await onPostgres();
await import('../rebuild.test.js');
