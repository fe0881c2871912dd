import { ConsoleLogger } from '@nestjs/common';

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
  constructor() {
    super({ json: !process.stdout.isTTY, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && wiring.has(context)) return;
    super.log(message, ...rest);
  }
}
