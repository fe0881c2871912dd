import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { proofHeader } from '#libs/trust';

/** What passes between a machine and a route. */
interface Exchange {
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly answer: z.ZodType;
  readonly description: string;
  readonly status?: number;
}

/**
 * A route for machines. Who calls is known before the body is looked at, so that no parameter of the handler has the schemas, and the API's
 * description has them from here.
 */
export function MachineApi({ body, query, answer, description, status = 200 }: Exchange): MethodDecorator {
  return applyDecorators(
    HttpCode(status),
    ApiResponse({ status, description, standardSchema: answer }),
    ApiHeader({ name: proofHeader, required: true, description: 'The machine’s proof that it has its key: a JWS.' }),
    ...(body === undefined ? [] : [ApiBody({ schema: jsonSchemaOf(body) })]),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) =>
      ApiQuery({ name, required: false, schema: jsonSchemaOf(schema) }),
    ),
  );
}

function jsonSchemaOf(schema: z.core.$ZodType): object {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return json;
}
