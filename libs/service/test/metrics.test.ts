import { fact } from '#libs/contracts';
import { MemoryEventStore, PoisonMessage } from '#libs/eventstore';
import { Metrics } from '#libs/service';

const recalled = fact('BundleRecalled', { bundleId: 'b', reason: 'it crashed' });

describe('metrics', () => {
  const store = new MemoryEventStore();
  afterAll(() => store.close());

  it('tell of the log, of each stage’s work, and of what is watched and refused', async () => {
    await store.appendToStream('bundle.b', 0, [recalled], { actor: 't', commandId: 'c', correlationId: 'c' });
    const worker = await store.work({ name: 'sign' }, async () => {
      throw new PoisonMessage('never');
    });
    while ((await store.deadLetters()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await worker.stop();
    const metrics = new Metrics(store);
    metrics.watch({ name: 'answers', help: 'h', labels: { of: 'life' }, read: () => 42 });
    metrics.watch({
      name: 'broken',
      help: 'h',
      read: () => {
        throw new Error('away');
      },
    });
    metrics.refused('lease', [{ code: 'no-seat-left' }, { code: 'license-expired' }]);
    metrics.refused('lease', [{ code: 'no-seat-left' }]);
    const text = await metrics.text();
    for (const line of [
      'splicecast_log_position 1',
      'splicecast_work_waiting{worker="sign"} 0',
      'splicecast_work_in_hand{worker="sign"} 0',
      'splicecast_dead_letters{worker="sign"} 1',
      'splicecast_answers{of="life"} 42',
      'splicecast_refusals_total{what="lease",code="no-seat-left"} 2',
      'splicecast_refusals_total{what="lease",code="license-expired"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('splicecast_broken ');
  });

  it('are left out one by one when they can’t be read: a log that is away hides nothing else', async () => {
    const metrics = new Metrics(new MemoryEventStore(store.log, { patienceMs: 10 }));
    metrics.watch({ name: 'answers', help: 'h', read: () => 42 });
    store.log.stop();
    const text = await metrics.text();
    store.log.start();
    expect(text).toContain('splicecast_answers 42\n');
    expect(text).not.toContain('splicecast_log_position 1');
  });
});
