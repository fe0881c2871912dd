import type { INestApplication, PipeTransform, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { ZodBody } from '#libs/service';
import { withExamples } from './examples.js';
import { showAccess } from './show-access.js';

interface RouteArgument {
  readonly pipes?: readonly (PipeTransform | Type<PipeTransform>)[];
  schema?: z.ZodType;
}

const problemSchema = z.object({
  type: z.string().describe('`urn:splicecast:problem:<code>`'),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

/** Describes every route of the application, whichever stages it is composed of (OpenAPI 3.1). */
export function describeApi(app: INestApplication): OpenAPIObject {
  showBodySchemas(app);
  showAccess(app);
  const config = new DocumentBuilder()
    .setTitle('Splicecast')
    .setDescription('Kernel fixes, streamed to machines that never reboot. Errors are problem documents (RFC 9457).')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', description: 'The admin token.' }, 'admin')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? { schema: jsonSchemaOf(schema, schemaType) } : undefined,
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  return withExamples(withProblems(document));
}

/**
 * Nest's document looks for a parameter's schema beside its pipes; here the pipe has it (`new ZodBody(schema)`), so that a
 * route can't validate one thing and describe another.
 */
function showBodySchemas(app: INestApplication): void {
  const discovery = new DiscoveryService(app.get(ModulesContainer));
  for (const { metatype } of discovery.getControllers()) {
    if (typeof metatype !== 'function') continue;
    for (const method of methodsOf(metatype)) {
      const routes: Record<string, RouteArgument> = Reflect.getMetadata(ROUTE_ARGS_METADATA, metatype, method) ?? {};
      for (const argument of Object.values(routes)) {
        const pipe = argument.pipes?.find((one) => one instanceof ZodBody);
        if (pipe !== undefined) argument.schema ??= pipe.schema;
      }
    }
  }
}

function methodsOf(controller: { prototype: object }): readonly string[] {
  return Object.getOwnPropertyNames(controller.prototype).filter((name) => name !== 'constructor');
}

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}

/** Every operation may answer with a problem. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  const problem = {
    description: 'A problem document (RFC 9457)',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const path of Object.values(document.paths)) {
    for (const verb of ['get', 'put', 'post', 'delete', 'patch', 'head'] as const) {
      const operation = path[verb];
      if (operation !== undefined) operation.responses['default'] ??= problem;
    }
  }
  const schemas = { ...document.components?.schemas, Problem: jsonSchemaOf(problemSchema, 'output') };
  return { ...document, components: { ...document.components, schemas } };
}
