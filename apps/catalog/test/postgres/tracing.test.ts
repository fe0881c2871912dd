import { onPostgres } from './use.js';

await onPostgres();
await import('../tracing.test.js');
