import { Catch, type INestApplication, type RpcExceptionFilter } from '@nestjs/common';
import { NestMicroservice } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { EventStoreServer } from './event-store-server.js';

/**
 * Lets a handler's own error through to the transport. Nest's filter would turn it into "Internal server error", and `RetryLater`
 * and `PoisonMessage` with it.
 */
@Catch()
export class OriginalError implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/**
 * Adds the event and request handlers of an HTTP application to it; they run from `app.startAllMicroservices()` until
 * `app.close()`. Call it before `app.init()` or `app.listen()`.
 */
export function connectHandlers(app: INestApplication, server: EventStoreServer): void {
  // Deferred, because filters that are added after the handlers are registered don't apply to them.
  const microservice = app.connectMicroservice({ strategy: server }, { deferInitialization: true });
  if (!(microservice instanceof NestMicroservice)) throw new TypeError('Nest made another kind of microservice');
  microservice.useGlobalFilters(new OriginalError());
  // The application calls onModuleInit itself; without this it would be called twice.
  microservice.setIsInitHookCalled(true);
}
