import { type Hint, hintSchema } from '#libs/contracts';
import { HintError, HintPublisher } from './publisher.js';
import { isHintSubject } from './subject.js';

/** Keeps what was published, for tests. */
export class MemoryHintPublisher extends HintPublisher {
  readonly published: { readonly subject: string; readonly hint: Hint }[] = [];

  async publish(subject: string, hint: Hint): Promise<void> {
    if (!isHintSubject(subject)) throw new HintError('bad-hint', `${subject.slice(0, 200)} is no subject of hints`);
    const checked = hintSchema.safeParse(hint);
    if (!checked.success) throw new HintError('bad-hint', checked.error.message);
    this.published.push({ subject, hint: checked.data });
  }

  async close(): Promise<void> {}
}
