import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import { type EventData, type Fact, fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, type StreamName } from '#libs/eventstore';
import type { KernelProfile } from '#libs/kernelimage';
import { Clock, commandContext, stage } from '#libs/service';
import { kernelState, needsImport } from './domain/kernel.js';
import { Builder } from './ports.js';

/** Imports each kernel whose packages arrive. */
@Controller()
export class Import {
  private readonly log = new Logger(Import.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly builder: Builder,
    private readonly clock: Clock,
  ) {}

  @EventPattern('KernelReceived', stage('build'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'KernelReceived') throw new PoisonMessage(`${event.fact.type} is no kernel`);
    const received = event.fact.data;
    const stream: StreamName = `kernel.${received.kernelId}`;
    const past = await this.events.readStream(stream);
    if (!needsImport(kernelState(past.events.map((one) => one.fact)))) return;
    const image = received.packages.find(({ role }) => role === 'image')?.fileName ?? 'no package';
    this.log.log(`importing kernel ${received.kernelId} from ${image}`);
    const outcome = await this.import(received);
    await this.events.appendToStream(stream, past.revision, [outcome], commandContext(event, 'build', 'import'));
    this.log.log(`kernel ${received.kernelId}: ${outcome.type}`);
  }

  private async import(received: EventData<'KernelReceived'>): Promise<Fact> {
    const { kernelId } = received;
    const start = this.clock.now().getTime();
    const outcome = await this.builder.importKernel(received);
    if (outcome.outcome === 'rejected') return fact('KernelRejected', { kernelId, reasons: [outcome.reason] });
    return this.imported(received, outcome, start);
  }

  private async imported(
    { kernelId, distro }: EventData<'KernelReceived'>,
    { data, folder }: { readonly data: KernelProfile['data']; readonly folder: string },
    start: number,
  ): Promise<Fact> {
    const keep = async (name: string): Promise<string> =>
      (await this.blobs.put(createReadStream(join(folder, name)))).digest;
    const { arch, release, version, buildId, vermagic, compiler, counts } = data;
    return fact('KernelImported', {
      kernelId,
      kernel: { distro, arch, release, version, buildId, vermagic },
      compiler,
      config: await keep('config'),
      symvers: await keep('Module.symvers'),
      kallsyms: await keep('kallsyms'),
      btf: await keep('btf'),
      counts: { symbols: counts.symbols, exports: counts.exports, btfTypes: counts.btfTypes },
      durationMs: Math.max(0, this.clock.now().getTime() - start),
    });
  }
}
