import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { AnswersBytes } from '#libs/service';
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
    NeedsProof(),
    ...(body === undefined ? [] : [ApiBody({ schema: jsonSchemaOf(body) })]),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) =>
      ApiQuery({ name, required: false, schema: jsonSchemaOf(schema) }),
    ),
  );
}

/** A route by which machines fetch an artefact, whole or in part. */
export function ArtefactApi(): MethodDecorator {
  return applyDecorators(
    AnswersBytes('application/gzip', 'The artefact; has an `ETag`, for `If-None-Match` and `If-Range`'),
    AnswersBytes('application/gzip', 'The `Range` of it that was asked for', 206),
    HttpCode(200),
    NeedsProof(),
    ApiHeader({ name: 'range', required: false, description: 'One range of bytes: `bytes=1000-`.' }),
  );
}

/** The same without the bytes. */
export function ArtefactHeadApi(): MethodDecorator {
  return applyDecorators(
    ApiResponse({ status: 200, description: 'The artefact’s length and `ETag`, in the headers' }),
    NeedsProof(),
  );
}

function NeedsProof(): MethodDecorator {
  return ApiHeader({
    name: proofHeader,
    required: true,
    description: 'The machine’s proof that it has its key: a JWS.',
  });
}

function jsonSchemaOf(schema: z.core.$ZodType): object {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return json;
}
