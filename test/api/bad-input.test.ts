import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { newSecret } from '#libs/access';
import { fact, roleSchema } from '#libs/contracts';
import { cleanUp } from '../../apps/catalog/test/stand.js';
import { CatalogService } from '../../apps/catalog/test/service.js';
import { stages } from '../../apps/standalone/src/stages.js';

const schemaSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() });
const operationSchema = z.looseObject({
  operationId: z.string(),
  'x-role': roleSchema.optional(),
  security: z.array(z.unknown()).optional(),
  parameters: z
    .array(z.looseObject({ name: z.string(), in: z.string(), required: z.boolean().optional() }))
    .default([]),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.looseObject({ schema: schemaSchema.optional() })) })
    .optional(),
  responses: z.record(z.string(), z.looseObject({ content: z.record(z.string(), z.unknown()).optional() })),
});
const verbs = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;
const documentSchema = z.looseObject({ paths: z.record(z.string(), z.partialRecord(z.enum(verbs), operationSchema)) });
const problemSchema = z.object({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  code: z.string().regex(/^[a-z][a-z0-9-]+$/),
});

interface Operation extends z.infer<typeof operationSchema> {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly role: z.infer<typeof roleSchema> | undefined;
}

/**
 * What is open to everybody or has a gate of its own: each with why. Whatever else answers without an operator's token was left open by
 * mistake.
 */
const withoutToken: Readonly<Record<string, string>> = {
  'GET /healthz': 'for whatever restarts processes',
  'GET /readyz': 'for whatever sends requests here',
  'GET /v1/trust/keys': 'public keys',
  'GET /redpatch/{repository}/info/refs': 'git clone, for everybody',
  'POST /redpatch/{repository}/git-upload-pack': 'git clone, for everybody',
  'POST /redpatch/{repository}/git-receive-pack': 'refuses every push',
};
/** What machines ask: by a proof of their key (apps/feed/test). */
const ofMachines = /^\w+ \/v1\/(machines(\/\{id\}\/(lease|updates|hints|reports|events))?|bundles\/\{id\}\/artefact)$/;
/** The signed metadata vouches for itself. */
const metadata = /^(GET|HEAD) \/tuf\//;

let service: CatalogService;
let operations: readonly Operation[];
let secrets: Readonly<Record<'viewer' | 'operator' | 'admin' | 'expired' | 'revoked' | 'rotated', string>>;

beforeAll(async () => {
  service = await CatalogService.start(stages.filter(({ name }) => name !== 'catalog'));
  const { paths } = documentSchema.parse((await service.get('/v1/openapi.json')).json());
  operations = Object.entries(paths).flatMap(([path, byVerb]) =>
    verbs.flatMap((verb) => {
      const operation = byVerb[verb];
      if (operation === undefined) return [];
      const method = verb.toUpperCase() as Operation['method'];
      return [{ ...operation, method, path, role: operation['x-role'] }];
    }),
  );
  secrets = await tokens();
  // In a process's first seconds there may be tokens that it hasn't heard of: until then nobody's are put off.
  const strangers = { token: newSecret().secret };
  for (const one of guarded().slice(0, 1)) while ((await send(one, strangers)).statusCode === 503) await sleep(100);
}, 120_000);
afterAll(cleanUp);

/** Tokens of every kind. */
async function tokens(): Promise<typeof secrets> {
  const issue = async (role: string) => {
    const answer = await service.send('POST', '/v1/tokens', { name: role, role });
    return z.object({ tokenId: z.string(), secret: z.string() }).parse(answer.json());
  };
  const [viewer, operator, admin] = [await issue('viewer'), await issue('operator'), await issue('admin')];
  const [revoked, rotated] = [await issue('admin'), await issue('admin')];
  await service.send('DELETE', `/v1/tokens/${revoked.tokenId}`, { reason: 'left' });
  await service.send('POST', `/v1/tokens/${rotated.tokenId}/rotation`, { overlapSec: 0 });
  const expired = newSecret();
  await service.append([
    [
      'access.old',
      fact('TokenIssued', {
        tokenId: 'old',
        name: 'old',
        role: 'admin',
        secretHash: expired.secretHash,
        expiresAt: '2026-01-01T00:00:00.000Z',
      }),
    ],
  ]);
  return {
    viewer: viewer.secret,
    operator: operator.secret,
    admin: admin.secret,
    revoked: revoked.secret,
    rotated: rotated.secret,
    expired: expired.secret,
  };
}

const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;
const guarded = (): readonly Operation[] => operations.filter(({ role }) => role !== undefined);
/** Those that take JSON. */
const commands = (): readonly Operation[] =>
  guarded().filter(({ requestBody }) => requestBody?.content['application/json'] !== undefined);
const urlOf = ({ path }: Operation, id = 'nobody'): string => path.replace(/\{\w+\}/g, id);

let callers = 0;

interface Sending {
  readonly url?: string;
  readonly token?: string | undefined;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
}

async function send(operation: Operation, { url, token = secrets.admin, body, headers = {} }: Sending = {}) {
  callers += 1;
  const response = await service.app.inject({
    method: operation.method,
    url: url ?? urlOf(operation),
    // Who guesses is slowed down by address; that is tried elsewhere.
    remoteAddress: `10.${(callers >> 16) & 255}.${(callers >> 8) & 255}.${callers & 255}`,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: body }),
  });
  if (response.statusCode >= 400) expectProblem(nameOf(operation), response);
  return response;
}

/** Every error is a problem document that tells nothing of the inside. */
function expectProblem(what: string, response: { statusCode: number; body: string; headers: object }): void {
  const { 'content-type': type } = z.looseObject({ 'content-type': z.string() }).parse(response.headers);
  expect([what, type]).toEqual([what, expect.stringContaining('application/problem+json')]);
  const problem = problemSchema.parse(JSON.parse(response.body));
  expect([what, problem.status, problem.type]).toEqual([
    what,
    response.statusCode,
    `urn:splicecast:problem:${problem.code}`,
  ]);
  expect(response.body).not.toMatch(/\n\s+at |node_modules|\.[jt]s:\d/);
  expect(`${what} ${problem.status} ${problem.code}`).not.toMatch(/ 5\d\d internal$/);
}

const outcome = (response: { statusCode: number; body: string }): string =>
  `${response.statusCode} ${response.statusCode < 400 ? '' : problemSchema.parse(JSON.parse(response.body)).code}`.trim();

/** What is in the log, beside who called what. */
async function recorded(): Promise<number> {
  let count = 0;
  for (let from: string | undefined = '/v1/events?limit=500'; from !== undefined;) {
    const page = z
      .object({ items: z.array(z.object({ type: z.string() })), nextCursor: z.string().optional() })
      .parse((await service.get(from)).json());
    count += page.items.filter(({ type }) => type !== 'AdminCalled').length;
    from = page.nextCursor === undefined ? undefined : `/v1/events?limit=500&cursor=${page.nextCursor}`;
  }
  return count;
}

/** Runs a case for each operation, and sees that nothing came of it. */
async function forEach(of: readonly Operation[], attempt: (one: Operation) => Promise<void>): Promise<void> {
  expect(of.length).toBeGreaterThan(10);
  await service.caughtUp();
  const before = await recorded();
  for (const operation of of) await attempt(operation);
  await service.caughtUp();
  expect(await recorded()).toBe(before);
}

const counted = async (code: string): Promise<number> => {
  const text = (await service.get('/metrics')).body;
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`splicecast_refusals_total{what="request",code="${code}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
};

it('every route is guarded, unless it is said here why not', () => {
  const open = operations.filter(({ role }) => role === undefined).map(nameOf);
  const unexplained = open.filter((name) => !(name in withoutToken) && !ofMachines.test(name) && !metadata.test(name));
  expect(unexplained).toEqual([]);
});

it('every operation has an id of its own, and every command can be named', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  const unnamed = guarded().filter(
    ({ method, parameters }) =>
      !['GET', 'HEAD'].includes(method) && !parameters.some(({ name }) => name === 'Idempotency-Key'),
  );
  expect(unnamed.map(nameOf)).toEqual([]);
});

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = segment({ sub: 'admin', role: 'admin', exp: 4102444800 });
const hs256 = `${segment({ alg: 'HS256', typ: 'JWT' })}.${claims}`;
const forged: Readonly<Record<string, string>> = {
  'an unknown one': `sct_${'A'.repeat(43)}`,
  'a JWT that says alg none': `${segment({ alg: 'none', typ: 'JWT' })}.${claims}.`,
  'a JWT signed with a secret of its own': `${hs256}.${createHmac('sha256', 'x').update(hs256).digest('base64url')}`,
  'one that is too long': 'x'.repeat(10_000),
  'one with a line break encoded': 'sct_%0d%0a',
};

describe('a token', () => {
  it('is needed everywhere', () =>
    forEach(guarded(), async (one) => {
      expect([nameOf(one), outcome(await send(one, { token: '' }))]).toEqual([nameOf(one), '401 unauthorized']);
    }));

  it.each(Object.entries(forged))('%s is nobody’s', async (_what, token) => {
    const before = await counted('unauthorized');
    await forEach(guarded(), async (one) => {
      expect([nameOf(one), outcome(await send(one, { token }))]).toEqual([nameOf(one), '401 unauthorized']);
    });
    expect((await counted('unauthorized')) - before).toBe(guarded().length);
  });

  it.each(['expired', 'revoked', 'rotated'] as const)('that is %s is nobody’s any more', (kind) =>
    forEach(guarded(), async (one) => {
      expect([nameOf(one), outcome(await send(one, { token: secrets[kind] }))]).toEqual([
        nameOf(one),
        '401 unauthorized',
      ]);
    }),
  );

  it('of a lower role opens nothing above it, and one that is high enough is not refused for its role', () =>
    forEach(guarded(), async (one) => {
      const needed = roleSchema.options.indexOf(one.role ?? 'admin');
      for (const [at, role] of roleSchema.options.entries()) {
        const answer = outcome(await send(one, { token: secrets[role], url: urlOf(one, 'no.body') }));
        if (at < needed) expect([nameOf(one), role, answer]).toEqual([nameOf(one), role, '403 role-too-low']);
        else expect([nameOf(one), role, answer]).not.toEqual([nameOf(one), role, '403 role-too-low']);
      }
    }));
});

const hostile: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'JSON that ends early': ['{"a":', ['400 malformed-body']],
  'no JSON': ['colour=red', ['400 malformed-body']],
  nothing: ['', ['400 malformed-body']],
  'a list': ['[]', ['422 invalid-request']],
  'null, which is no object': ['null', ['422 invalid-request']],
  'a number': ['1e999', ['400 malformed-body', '422 invalid-request']],
  'a string': ['"hello"', ['422 invalid-request']],
  'members that nobody knows': ['{"surprise":1}', ['422 invalid-request']],
  'another prototype': ['{"__proto__":{"role":"admin"}}', ['400 malformed-body', '422 invalid-request']],
  'depths without end': ['['.repeat(100_000) + ']'.repeat(100_000), ['400 malformed-body', '422 invalid-request']],
  'more than is taken': [JSON.stringify({ name: 'x'.repeat(5_000_000) }), ['413 body-too-large']],
};

describe('a body', () => {
  it.each(Object.entries(hostile))('with %s', (_what, [body, expected]) =>
    forEach(commands(), async (one) => {
      const answer = outcome(await send(one, { body }));
      expect({ [nameOf(one)]: expected }).toEqual({ [nameOf(one)]: expect.arrayContaining([answer]) });
    }),
  );

  it('of another type', () =>
    forEach(commands(), async (one) => {
      for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
        const answer = await send(one, { body: 'name=x', headers: { 'content-type': type } });
        expect([nameOf(one), outcome(answer)]).toEqual([nameOf(one), '415 unsupported-media-type']);
      }
    }));

  it('with each member of the wrong type, or one that nobody knows, is refused by its pointer', () =>
    forEach(commands(), async (one) => {
      const { properties = {} } = one.requestBody?.content['application/json']?.schema ?? {};
      expect([nameOf(one), Object.keys(properties)]).not.toEqual([nameOf(one), []]);
      const body = Object.fromEntries(Object.keys(properties).map((name) => [name, { wrong: ['type'] }]));
      const answer = await send(one, { body: JSON.stringify({ ...body, surprise: 1 }) });
      expect([nameOf(one), outcome(answer)]).toEqual([nameOf(one), '422 invalid-request']);
      const { errors } = z
        .object({ errors: z.array(z.object({ pointer: z.string(), detail: z.string() })) })
        .parse(answer.json());
      expect({ [nameOf(one)]: errors.map(({ pointer }) => pointer.split('/')[1]) }).toEqual({
        [nameOf(one)]: expect.arrayContaining(Object.keys(properties)),
      });
      expect([nameOf(one), errors]).toEqual([
        nameOf(one),
        expect.arrayContaining([{ pointer: '', detail: 'Unrecognized key: "surprise"' }]),
      ]);
    }));
});

const oddIds = [
  '..',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e%2f',
  '%00',
  'a.b',
  '*',
  '%3e',
  '%F0%9F%90%A7',
  '__proto__',
  'constructor',
  'x'.repeat(90),
  'x'.repeat(2000),
  "'%20OR%201=1--",
];

it('an id that can be none names nothing', () =>
  forEach(
    guarded().filter(({ path }) => path.includes('{')),
    async (one) => {
      for (const id of oddIds) {
        // A client resolves `..` before it asks (RFC 3986 § 5.2.4): then this is another route's URL.
        if (id === '..' && !one.path.endsWith('}')) continue;
        const response = await send(one, { url: urlOf(one, id), ...(one.method === 'GET' ? {} : { body: '{}' }) });
        expect([nameOf(one), id, outcome(response)]).toEqual([
          nameOf(one),
          id,
          expect.stringMatching(/^(404 not-found|4(00|14|22) [a-z-]+)$/),
        ]);
      }
    },
  ));

it('a method that a path lacks is refused with those that it has', () =>
  forEach(operations, async (one) => {
    const has = operations.filter(({ path }) => path === one.path).map(({ method }) => method);
    const allowed = [...new Set(has.includes('GET') ? [...has, 'HEAD'] : has)].sort();
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      if (allowed.includes(method)) continue;
      const lacking = { ...one, method };
      const answer = await send(lacking, { url: `${urlOf(one)}?limit=1` });
      expect([nameOf(lacking), outcome(answer), answer.headers['allow']]).toEqual([
        nameOf(lacking),
        '405 method-not-allowed',
        allowed.join(', '),
      ]);
    }
  }));

it('a path that there is not is not found, whatever is to be done there', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await service.app.inject({ method, url: '/v1/fixes/f1/nowhere' });
    expect([method, outcome(answer)]).toEqual([method, '404 not-found']);
  }
});

it('an id that names nobody is told so', () =>
  forEach(
    guarded().filter(({ path, method }) => path.includes('{id}') && method === 'GET'),
    async (one) => expect([nameOf(one), outcome(await send(one))]).toEqual([nameOf(one), '404 not-found']),
  ));

it('a query that asks for what there is not is refused, not ignored', () =>
  forEach(
    guarded().filter(({ parameters }) => parameters.some(({ name }) => name === 'limit')),
    async (one) => {
      for (const query of [
        'limit=0',
        'limit=-1',
        'limit=abc',
        'limit=1e9',
        'cursor=garbage',
        'surprise=1',
        'limit=1&limit=2',
      ]) {
        const answer = outcome(await send(one, { url: `${urlOf(one)}?${query}` }));
        // Of a list within something that isn't there, it is that which is told, if it is asked first.
        const expected = /^4(00|04|22) (invalid-request|unknown-parameter|not-found|invalid-cursor)$/;
        expect([nameOf(one), query, answer]).toEqual([nameOf(one), query, expect.stringMatching(expected)]);
      }
    },
  ));

it('a key that names no wish is refused before anything is done', () =>
  forEach(commands(), async (one) => {
    for (const key of ['a b', 'x'.repeat(256), 'ü']) {
      const answer = await send(one, { body: '{}', headers: { 'idempotency-key': key } });
      expect([nameOf(one), outcome(answer)]).toEqual([nameOf(one), '422 invalid-request']);
    }
  }));

/** What the document says of an operation. */
function described(name: string) {
  const { requestBody, parameters, responses } = operations.find((one) => nameOf(one) === name) ?? {};
  const answers = Object.entries(responses ?? {}).filter(([status]) => status !== 'default');
  return {
    sent: Object.keys(requestBody?.content ?? {}),
    headers: parameters?.filter((one) => one.in === 'header').map((one) => one.name),
    answered: answers.map(([status, { content = {} }]) => [status, ...Object.keys(content)].join(' ')),
  };
}

it('describes bytes that are sent, and what everybody may ask', () => {
  expect(described('POST /v1/blobs')).toEqual({
    sent: ['application/octet-stream'],
    headers: expect.arrayContaining(['X-Content-SHA256']),
    answered: ['201 application/json'],
  });
  expect(described('GET /metrics')).toMatchObject({ sent: [], answered: ['200 text/plain'] });
  for (const path of ['/healthz', '/readyz', '/v1/trust/keys']) {
    expect(described(`GET ${path}`)).toMatchObject({ sent: [], answered: ['200 application/json'] });
  }
});

it('describes the bytes that are answered, and to whom', () => {
  const artefact = {
    headers: ['splicecast-proof', 'range'],
    answered: ['200 application/gzip', '206 application/gzip'],
  };
  const git = 'application/x-git-upload-pack';
  for (const path of ['/v1/bundles/{id}/artefact', '/tuf/targets/{channel}/{release}/{file}']) {
    expect(described(`GET ${path}`)).toEqual({ sent: [], ...artefact });
    expect(described(`HEAD ${path}`)).toEqual({ sent: [], headers: ['splicecast-proof'], answered: ['200'] });
  }
  expect(described('GET /redpatch/{repository}/info/refs').answered).toEqual([`200 ${git}-advertisement`]);
  expect(described('POST /redpatch/{repository}/git-upload-pack')).toEqual({
    sent: [`${git}-request`],
    headers: [],
    answered: [`200 ${git}-result`],
  });
  expect(described('POST /redpatch/{repository}/git-receive-pack').answered).toEqual(['403 application/problem+json']);
});

it('says what everything that is read answers', () => {
  const reading = operations.filter(({ method }) => method === 'GET');
  const silent = reading.filter(({ responses }) => responses['200']?.content === undefined);
  expect(silent.map(nameOf)).toEqual([]);
});

it('says what every command answers', () => {
  const silent = commands().filter(
    ({ responses }) => !Object.values(responses).some(({ content }) => content?.['application/json'] !== undefined),
  );
  expect(silent.map(nameOf)).toEqual([]);
});

it('describes what machines send and are answered', () => {
  const known = operations
    .filter(({ path }) => ofMachines.test(`GET ${path}`) && path.startsWith('/v1/machines'))
    .filter(({ security }) => security === undefined)
    .map(({ method, path, parameters, requestBody, responses }) => {
      const sent = Object.keys(requestBody?.content['application/json']?.schema?.properties ?? {});
      const asked = parameters.filter((one) => one.in !== 'path').map(({ name }) => name);
      const answered = Object.entries(responses).filter(
        ([, { content }]) => content?.['application/json'] !== undefined,
      );
      return [
        `${method} ${path}`,
        sent.length > 0,
        asked.sort().join(' '),
        answered.map(([status]) => status).join(' '),
      ];
    });
  expect(known).toEqual([
    ['POST /v1/machines', true, 'splicecast-proof', '201'],
    ['POST /v1/machines/{id}/lease', true, 'splicecast-proof', '200'],
    ['GET /v1/machines/{id}/updates', false, 'prefer splicecast-proof', '200'],
    ['POST /v1/machines/{id}/reports', true, 'splicecast-proof', '200'],
    ['GET /v1/machines/{id}/hints', false, 'since splicecast-proof wait', '200'],
  ]);
});
