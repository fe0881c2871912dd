import { onPostgres } from './use.js';

await onPostgres();
await import('../reading.test.js');
