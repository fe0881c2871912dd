// What the catalog is compared with: a route of fastify that does nothing, and one row by its key from sqlite3 alone.
import { join } from 'node:path';
import Fastify from 'fastify';
import sqlite3 from 'sqlite3';

const [, , folder = '', machines = '1'] = process.argv;
const database = new sqlite3.Database(join(folder, 'catalog.sqlite'), sqlite3.OPEN_READONLY);
const app = Fastify();
app.get('/empty', () => ({}));
app.get('/row', () => {
  const id = `m${Math.floor(Math.random() * Number(machines))}`;
  return new Promise((resolve, reject) => {
    database.get('SELECT * FROM "machines" WHERE "machineId" = ?', [id], (error, row) =>
      error === null ? resolve(row) : reject(error),
    );
  });
});
process.send?.({ url: await app.listen({ host: '127.0.0.1', port: 0 }) });
process.on('message', () => process.exit(0));
