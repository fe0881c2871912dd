import { type INestApplication, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RecordedEvent } from '#libs/eventstore';
import { connectHandlers, EventStoreServer } from '#libs/transport';
import { AuditTrail } from './access/audit-trail.js';
import { inReaction, inRequest } from './access/request-context.js';
import { Wishes } from './access/wishes.js';
import { AllowedMethods } from './allowed-methods.js';
import { ServiceConfig } from './config.js';
import { HealthController } from './health.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { openPlatform, type Platform } from './platform.js';
import { PlatformModule } from './platform.module.js';
import { answerProblem, notAForm, notAUrl, ProblemFilter } from './problem.js';
import { stage } from './reaction.js';
import { RunningApp } from './running-app.js';
import { ServiceLog } from './service-log.js';

/** A stage as a process runs it. */
export interface Stage {
  readonly name: string;
  readonly module: Type;
  /** Commits of the log that it works on at once; 1 when absent. */
  readonly concurrency?: number;
}

const jsonBodyLimit = 4 * 1024 * 1024;
const uploadLimit = 4 * 1024 * 1024 * 1024;

/** Makes the application of one or several stages over an open platform; call `startStages` on it to run it. */
export async function createStages(platform: Platform, stages: readonly Stage[]): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: jsonBodyLimit,
    forceCloseConnections: true,
    // What is no URL never comes to a route, nor to Nest.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void answerProblem(notAUrl(error), request, reply),
  });
  // Bodies are JSON or bytes; fastify would take text for the value of a string.
  adapter.getInstance().removeContentTypeParser('text/plain');
  // Large bodies are never held in memory: the handler gets the stream.
  adapter
    .getInstance()
    .addContentTypeParser('application/octet-stream', { bodyLimit: uploadLimit }, (_request, payload, done) => {
      done(null, payload);
    });
  class RootModule {}
  Module({
    imports: [PlatformModule.with(platform), ...stages.map((one) => one.module)],
    controllers: [HealthController, MetricsController],
  })(RootModule);
  const app = await NestFactory.create<NestFastifyApplication>(RootModule, adapter, {
    rawBody: true,
    abortOnError: false,
    logger: new ServiceLog(),
  });
  // Refusals are counted where every answer is measured, those of no handler too.
  app.useGlobalFilters(new ProblemFilter());
  followRequests(app);
  app.get(RunningApp).set(app);
  for (const { name, concurrency } of stages) {
    const server = new EventStoreServer({
      store: platform.events,
      requests: platform.requests,
      name,
      concurrency,
      around,
    });
    server.setTransportId(stage(name));
    connectHandlers(app, server);
  }
  return app;
}

const around = <T>({ envelope }: RecordedEvent, handle: () => Promise<T>): Promise<T> =>
  inReaction(envelope.correlationId, handle);

/** Lets what answers a request say on whose behalf; records who called what, and measures how long it took. */
function followRequests(app: NestFastifyApplication): void {
  const audit = app.get(AuditTrail);
  const wishes = app.get(Wishes);
  const metrics = app.get(Metrics);
  const fastify = app.getHttpAdapter().getInstance();
  const methods = new AllowedMethods();
  fastify.addHook('onRoute', (route) => methods.routed(route));
  fastify.addHook('onRequest', (request, reply, done) => done(methods.lacking(request, reply) ?? notAForm(request)));
  fastify.addHook('preHandler', (request, _reply, done) => inRequest(request, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    wishes.answered(request, reply);
    audit.answered(request, reply);
    metrics.answered(request, reply);
    done();
  });
}

/** Runs the event handlers and listens for HTTP. @throws Error with `code: 'EADDRINUSE'` and advice if the port is taken. */
export async function startStages(app: INestApplication, config: ServiceConfig): Promise<string> {
  await app.startAllMicroservices();
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`port ${config.port} is in use: set SPLICECAST_PORT to another one`, { cause: error });
    }
    throw error;
  }
  return app.getUrl();
}

/** Runs stages in this process until SIGTERM or SIGINT. What can't start says why and ends with exit code 1. */
export async function runStages(stages: readonly Stage[]): Promise<void> {
  Logger.overrideLogger(new ServiceLog());
  const log = new Logger('service');
  let ending: Promise<void> | undefined;
  const end = (exitCode: number, app?: INestApplication, platform?: Platform): Promise<void> => {
    ending ??= (async () => {
      // Whatever hangs, the process ends: all state is in the log, and work in hand is delivered again.
      setTimeout(() => process.exit(exitCode || 1), 20_000).unref();
      await app?.close();
      await platform?.stop();
      process.exit(exitCode);
    })();
    return ending;
  };
  let app: INestApplication | undefined;
  let platform: Platform | undefined;
  try {
    const config = ServiceConfig.from(process.env);
    platform = await openPlatform(config, (error) => {
      log.fatal(error.message);
      void end(1, app, platform);
    });
    app = await createStages(platform, stages);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(0, app, platform));
    const url = await startStages(app, config);
    for (const notice of platform.notices) log.warn(notice);
    log.log(`${stages.map((one) => one.name).join(', ')} ready at ${url}`);
    if (platform.freshAdminToken !== undefined) {
      // Not by the logger: a secret belongs to who started this, not into a log.
      process.stderr.write(
        `\nAdmin token, shown this once and kept only as a hash:\n\n    ${platform.freshAdminToken}\n\n` +
          'Give it to splicectl as SPLICECAST_ADMIN_TOKEN.\n\n',
      );
    }
  } catch (error) {
    log.fatal(error instanceof Error ? error.message : String(error));
    await end(1, app, platform);
  }
}

/** Runs one stage alone: an app's whole main.ts. */
export async function runService(module: Type, name: string): Promise<void> {
  await runStages([{ name, module }]);
}
