import { Body, Controller, Module, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { ZodBody } from '#libs/service';
import { CatalogService } from './service.js';
import { cleanUp } from './stand.js';

afterEach(cleanUp);

const bodySchema = z.strictObject({ colour: z.enum(['red', 'blue']), depth: z.int().min(1).optional() });

/** A route of another stage, which knows nothing of documents. */
@Controller('v1/other')
class OtherController {
  @Post(':id/things')
  make(
    @Param('id') id: string,
    @Body(new ZodBody(bodySchema)) body: z.infer<typeof bodySchema>,
    @Query('dry') dry: string,
  ): object {
    return { id, ...body, dry };
  }
}

@Module({ controllers: [OtherController] })
class OtherModule {}

const operationSchema = z.looseObject({
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).optional(),
});
const documentSchema = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

async function document() {
  const service = await CatalogService.start([{ name: 'other', module: OtherModule }]);
  const response = await service.get('/v1/openapi.json');
  expect(response.statusCode).toBe(200);
  return { service, document: documentSchema.parse(response.json()) };
}

describe('the OpenAPI document', () => {
  it('is one of 3.1 and describes every route, those of other stages too', async () => {
    const { service, document: api } = await document();
    expect(api.openapi).toBe('3.1.0');
    const described = Object.entries(api.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    const served = routesOf(service).filter((route) => route !== 'GET /v1/openapi.json');
    expect(served).toContain('POST /v1/other/{id}/things');
    expect(served).toContain('GET /v1/machines/{id}');
    expect([...described].sort()).toEqual([...served].sort());
  });

  it('takes what a route checks for what it describes', async () => {
    const { document: api } = await document();
    expect(api.paths['/v1/other/{id}/things']?.['post']).toMatchObject({
      requestBody: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { colour: { type: 'string', enum: ['red', 'blue'] } },
              required: ['colour'],
              additionalProperties: false,
            },
          },
        },
      },
    });
    const list = api.paths['/v1/fixes']?.['get'];
    expect(list?.parameters?.map((one) => `${one.in} ${one.name}`).sort()).toEqual([
      'query asOf',
      'query cursor',
      'query cve',
      'query kernel',
      'query limit',
      'query sort',
      'query state',
    ]);
    expect(list?.parameters?.find(({ name }) => name === 'limit')).toMatchObject({ required: false });
  });

  it('says what is answered, and that errors are problems', async () => {
    const { document: api } = await document();
    expect(api.paths['/v1/licenses']?.['post']).toMatchObject({
      responses: {
        '201': { content: { 'application/json': { schema: { required: ['licenseId', 'terms', 'token'] } } } },
        default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
      },
      security: [{ admin: [] }],
    });
    expect(api.components.schemas).toHaveProperty('Problem');
  });

  it('refers to nothing that it lacks', async () => {
    const { document: api } = await document();
    const references = [...JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? '');
    for (const reference of references) {
      expect(api.components.schemas).toHaveProperty([reference.replace('#/components/schemas/', '')]);
    }
  });
});

/** What the HTTP server itself says that it serves. */
function routesOf(service: CatalogService): string[] {
  const printed = service.app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
  return routesIn(printed);
}

/** Reads fastify's route tree: `└── v1/fixes (GET, HEAD)` below its prefixes. */
function routesIn(tree: string): string[] {
  const path: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const match = /^([│ ]*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (match === null) return [];
    const [, indent = '', part = '', verbs = ''] = match;
    path.splice(indent.length / 4, path.length, part);
    const full = path
      .join('')
      .replace(/:(\w+)/g, '{$1}')
      .replace(/^(?!\/)/, '/');
    return verbs
      .split(', ')
      .filter((verb) => verb !== '' && verb !== 'HEAD')
      .map((verb) => `${verb} ${full}`);
  });
}
