import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Get, Module, Post, Req, UseGuards } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { z } from 'zod';
import {
  AdminGuard,
  memoryPlatform,
  PlatformModule,
  Problem,
  ProblemFilter,
  ServiceConfig,
  ZodBody,
} from '#libs/service';
import { GitTreeStore } from '#libs/trees';

const nameSchema = z.object({
  name: z.string().min(1),
  tags: z.array(z.string()).default([]),
  until: z.iso.datetime().optional(),
});

@Controller()
class Desk {
  @Get('bug')
  bug(): never {
    throw new Error('password=hunter2');
  }

  @Get('no')
  no(): never {
    throw new Problem({ status: 409, code: 'taken', title: 'Taken', extra: { by: 'someone' } });
  }

  @Post('names')
  @UseGuards(AdminGuard)
  names(@Body(new ZodBody(nameSchema)) body: z.infer<typeof nameSchema>, @Req() _request: unknown): { name: string } {
    return { name: body.name };
  }
}

@Module({ controllers: [Desk] })
class DeskModule {}

let folder: string;
let app: NestFastifyApplication;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-http-'));
  const platform = memoryPlatform({
    config: ServiceConfig.from({ SPLICECAST_DATA: folder }),
    trees: new GitTreeStore(join(folder, 'trees.git')),
    adminToken: 'the-operators-own-token-0',
  });
  const module = await Test.createTestingModule({ imports: [PlatformModule.with(platform), DeskModule] }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ bodyLimit: 1024 }), {
    logger: false,
  });
  app.useGlobalFilters(new ProblemFilter());
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

const authorization = 'Bearer the-operators-own-token-0';
const post = (payload: string, headers: Record<string, string> = { authorization }) =>
  app.inject({ method: 'POST', url: '/names', payload, headers: { 'content-type': 'application/json', ...headers } });

describe('problems', () => {
  it('answers a refusal with its own members', async () => {
    const response = await app.inject('/no');
    expect(response.statusCode).toBe(409);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toEqual({
      type: 'urn:splicecast:problem:taken',
      title: 'Taken',
      status: 409,
      code: 'taken',
      by: 'someone',
    });
  });

  it('tells nothing of a bug but that there is one', async () => {
    const response = await app.inject('/bug');
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ code: 'internal' });
    expect(response.body).not.toContain('hunter2');
  });

  it('points at each field that is wrong', async () => {
    const response = await post(JSON.stringify({ name: '', tags: ['a', 7] }));
    expect(response.statusCode).toBe(422);
    expect(response.json().errors.map((one: { pointer: string }) => one.pointer)).toEqual(['/name', '/tags/1']);
  });

  it('says what to do where nothing was sent', async () => {
    const nothing = await app.inject({ method: 'POST', url: '/names', headers: { authorization } });
    const detail = 'is missing: send JSON, with `content-type: application/json`';
    expect(nothing.json().errors).toEqual([{ pointer: '', detail }]);
    expect((await post('{"until":"tomorrow"}')).json().errors).toEqual([
      { pointer: '/name', detail: 'is missing' },
      { pointer: '/until', detail: 'is no time like 2026-11-23T12:00:00Z' },
    ]);
  });

  it.each([
    ['no JSON', '{', 400, 'malformed-body'],
    ['too large', JSON.stringify({ name: 'x'.repeat(2000) }), 413, 'body-too-large'],
  ])('refuses a body that is %s', async (_what, payload, status, code) => {
    const response = await post(payload);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ code });
  });

  it('answers an unknown path', async () => {
    const response = await app.inject('/nowhere');
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'not-found' });
  });
});

describe('AdminGuard', () => {
  const body = JSON.stringify({ name: 'n' });

  it('lets in who has the token', async () => {
    const response = await post(body);
    expect(response.statusCode).toBe(201);
  });

  it.each([
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic dXNlcjpwYXNz' },
    { authorization: 'Bearer' },
  ])('keeps out %j', async (headers) => {
    const response = await post(body, headers as Record<string, string>);
    expect(response.statusCode).toBe(401);
    expect(response.json()).toMatchObject({ code: 'unauthorized' });
  });
});
