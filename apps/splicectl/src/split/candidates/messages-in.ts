import { beginsMessage } from '#libs/patchsplit';
import type { Skipped } from './skipped.js';

/** A patch of more is named and left out. */
const maxMessageBytes = 128 * 2 ** 20;

/** Cuts a stream into the messages of an mbox; a file without `From ` lines is one message. Bytes as latin1. */
export async function* messagesIn(chunks: AsyncIterable<Buffer>, skipped: Skipped): AsyncGenerator<string> {
  const message = new OpenMessage(skipped);
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + chunk.toString('latin1');
    let from = 0;
    // Only a line break before `From ` can begin a message: whole chunks are searched, not every line.
    for (let at = -1; (at = text.indexOf('\nFrom ', at + 1)) >= 0;) {
      const end = text.indexOf('\n', at + 1);
      if (end < 0 || !beginsMessage(text.slice(at + 1, end))) continue;
      message.add(text.slice(from, at + 1));
      const whole = message.taken();
      if (whole !== undefined) yield whole;
      from = at + 1;
    }
    // A `From ` line may be cut by the chunk's end.
    const keep = Math.max(from, text.lastIndexOf('\n'));
    message.add(text.slice(from, keep));
    rest = text.slice(keep);
  }
  message.add(rest);
  const whole = message.taken();
  if (whole !== undefined) yield whole;
}

class OpenMessage {
  private pieces: string[] = [];
  private size = 0;

  constructor(private readonly skipped: Skipped) {}

  add(piece: string): void {
    const head = this.pieces[0]?.slice(0, 400) ?? piece.slice(0, 400);
    this.size += piece.length;
    // Of one that is too large only its first lines are kept, which say what it is.
    if (this.size <= maxMessageBytes) this.pieces.push(piece);
    else this.pieces = [head];
  }

  taken(): string | undefined {
    const text = this.pieces.join('');
    const tooLarge = this.size > maxMessageBytes;
    this.pieces = [];
    this.size = 0;
    if (!tooLarge) return text === '' ? undefined : text;
    const name = /^Subject: .*$/m.exec(text)?.[0] ?? text.split('\n', 1)[0];
    this.skipped.add(`left out ${JSON.stringify(name)}: a patch of more than ${maxMessageBytes / 2 ** 20} MB`);
    return undefined;
  }
}
