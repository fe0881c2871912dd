import { useDatabase } from '../stand.js';
import { PostgresServer } from './server.js';

/** Has a suite of the catalog run once more, on PostgreSQL: `await onPostgres(); await import('../reading.test.js')`. */
export async function onPostgres(): Promise<PostgresServer> {
  const server = await PostgresServer.start();
  useDatabase((dataDir) => server.databaseFor(dataDir));
  afterAll(() => server.stop());
  return server;
}
