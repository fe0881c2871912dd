import { fastify } from 'fastify';

/** A route that does nothing, in the framework that the service stands on. */
const app = fastify();
app.get('/v1/machines/:id/updates', (_request, reply) => reply.code(304).send());
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ port: Number(new URL(app.listeningOrigin).port) });
process.once('disconnect', () => process.exit());
