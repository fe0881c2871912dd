import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import { AccessRefusal } from '#libs/access';
import { LicensingRefusal } from '#libs/licensing';
import { Problem } from '#libs/service';
import { BundleRefusal } from '../domain/bundle.js';
import { LevelRefusal } from '../domain/level.js';

const unknown = new Set<string>(['license-unknown', 'bundle-unknown', 'token-unknown', 'machine-unknown']);
const conflicts = new Set<string>([
  'trial-already-issued',
  'license-exists',
  'license-revoked',
  'customer-exists',
  'token-exists',
  'token-revoked',
  'too-many-transfers',
  'machine-not-enrolled',
  'machine-retired',
]);

/** Answers what the deciders refuse as problems: 404 for what isn't there, 409 for what is in the way, 422 for what was asked. */
@Injectable()
export class Refusals implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw problemOf(error);
      }),
    );
  }
}

function problemOf(error: unknown): unknown {
  if (error instanceof LevelRefusal) {
    const errors = error.unfit.map(({ reason }) => ({ pointer: '/fixIds', detail: reason }));
    return new Problem({ status: 422, code: error.code, title: 'No such level', detail: error.message, errors });
  }
  if (!(error instanceof LicensingRefusal || error instanceof AccessRefusal || error instanceof BundleRefusal))
    return error;
  const { code, message } = error;
  if (unknown.has(code)) return new Problem({ status: 404, code: 'not-found', title: 'Not found', detail: message });
  if (error instanceof BundleRefusal || conflicts.has(code)) {
    return new Problem({ status: 409, code, title: 'This is not possible now', detail: message });
  }
  const errors = error.field === undefined ? undefined : [{ pointer: `/${error.field}`, detail: message }];
  return new Problem({ status: 422, code, title: 'The request is not valid', detail: message, errors });
}
