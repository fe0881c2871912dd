import { ConsoleLogger } from '@nestjs/common';
import { correlationId, requestId } from './access/request-context.js';

/** Nest's own accounts of wiring itself: of use to nobody who runs the service. */
const wiring = new Set([
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestFactory',
  'NestApplication',
  'NestMicroservice',
]);

/** The service's log: a line of JSON an entry, or readable text in a terminal. */
export class ServiceLog extends ConsoleLogger {
  constructor(json = !process.stdout.isTTY) {
    super({ json, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && wiring.has(context)) return;
    super.log(message, ...rest);
  }

  /**
   * Each line of JSON names the request that it belongs to, so that it is found by what the caller was told, and what that is part of
   * (`GET /v1/events?correlation=` shows the events).
   */
  protected override getJsonLogObject(...entry: Parameters<ConsoleLogger['getJsonLogObject']>) {
    const [request, correlation] = [requestId(), correlationId()];
    return {
      ...super.getJsonLogObject(...entry),
      ...(request === undefined ? {} : { requestId: request }),
      ...(correlation === undefined ? {} : { correlationId: correlation }),
    };
  }
}
