import { CatalogDatabase } from '../../src/adapters/database.js';
import { temporaryFolder } from '../stand.js';
import { onPostgres } from './use.js';

const server = await onPostgres();
await import('../projection.test.js');

describe('a PostgreSQL server', () => {
  it.each([
    ['that is not there', 'postgres://nobody@127.0.0.1:1/x'],
    ['that knows nobody of this name', 'postgres://stranger:secret-word@127.0.0.1:PORT/postgres'],
  ])('%s is said, without the password', async (_what, url) => {
    const { port } = new URL(await server.databaseFor('any'));
    const opened = CatalogDatabase.open({ dataDir: await temporaryFolder(), databaseUrl: url.replace('PORT', port) });
    const error: unknown = await opened.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'database-unreachable' });
    expect(String(error)).not.toContain('secret-word');
  });
});
