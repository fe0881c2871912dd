import { onPostgres } from './use.js';

await onPostgres();
for (const resource of ['customers', 'licenses', 'bundles', 'levels', 'door']) {
  await import(`../commands/${resource}.test.js`);
}
