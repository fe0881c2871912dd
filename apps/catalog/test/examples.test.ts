import { z } from 'zod';
import { sampleLog } from './sample.js';
import { CatalogService } from './service.js';
import { cleanUp } from './stand.js';

afterAll(cleanUp);

const parameterSchema = z.looseObject({ name: z.string(), in: z.string(), example: z.unknown().optional() });
const documentSchema = z.looseObject({
  paths: z.record(
    z.string(),
    z.looseObject({
      get: z
        .looseObject({
          parameters: z.array(parameterSchema).default([]),
          responses: z.looseObject({
            '200': z
              .looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.looseObject({}) })).optional() })
              .optional(),
          }),
        })
        .optional(),
    }),
  ),
});

/** Not of the tables: what git and other programs are answered, and what is known of the present alone or by ids that no log names. */
const others =
  /^\/(?:redpatch|health|metrics|v1\/(?:redpatch|status|dead-letters|events\/\{id\}|drops\/\{id\}\/report))/;

async function described() {
  const service = await CatalogService.start();
  await service.append(sampleLog);
  const { paths } = documentSchema.parse((await service.get('/v1/openapi.json')).json());
  const reading = Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined || others.test(path) ? [] : [{ path, get }],
  );
  return { service, reading };
}

describe('the examples of the OpenAPI document', () => {
  it('are there for every parameter but a cursor, and the service answers them as it is described', async () => {
    const { service, reading } = await described();
    expect(reading.length).toBeGreaterThan(25);
    for (const { path, get } of reading) {
      const shown = get.parameters.filter(
        ({ name }) => !['cursor', 'machine', 'at', 'correlation', 'upstream', 'customer'].includes(name),
      );
      expect([path, shown.filter(({ example }) => example === undefined).map(({ name }) => name)]).toEqual([path, []]);
      const value = (name: string): string =>
        encodeURIComponent(String(shown.find((one) => one.name === name)?.example));
      const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => value(name));
      const schema = z.fromJSONSchema(get.responses['200']?.content?.['application/json']?.schema ?? {});
      // Each parameter by itself, since all together may leave nothing over.
      const queries = ['', ...shown.filter((one) => one.in === 'query').map(({ name }) => `?${name}=${value(name)}`)];
      for (const query of queries) {
        const { statusCode, body } = await service.get(`${filled}${query}`);
        // Of what came to be after the position of the example it is right to say so.
        const isLater = query.startsWith('?asOf=') && statusCode === 404;
        expect([filled, query, statusCode]).toEqual([filled, query, isLater ? 404 : 200]);
        if (!isLater)
          expect([filled, query, schema.safeParse(JSON.parse(body)).error]).toEqual([filled, query, undefined]);
      }
    }
  });
});
