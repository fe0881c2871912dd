import { createServer, type ServerResponse } from 'node:http';

/** Server-sent events from Node alone: what it is told is sent to everybody who listens. */
const listening = new Set<ServerResponse>();
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: open\ndata: 0\n\n');
  listening.add(response);
  response.once('close', () => listening.delete(response));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
});
process.on('message', (text: string) => {
  for (const response of listening) response.write(text);
  process.send?.({});
});
process.once('disconnect', () => process.exit());
