import { StringDecoder } from 'node:string_decoder';

/** A guest that prints without end must not fill its host's memory. */
const maxLineLength = 16 * 1024;
const maxLines = 50_000;

/** What a guest printed, line by line, and whoever waits for more of it. Each iteration starts at the first line kept. */
export class Transcript implements AsyncIterable<string> {
  #lines: string[] = [];
  /** How many lines were dropped from the front. */
  #dropped = 0;
  #open = '';
  #ended = false;
  #waiting: (() => void)[] = [];
  readonly #decoder = new StringDecoder('utf8');

  constructor(private readonly onLine: (line: string) => void = () => undefined) {}

  /** All lines kept. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  write(bytes: Buffer): void {
    const pieces = (this.#open + this.#decoder.write(bytes)).split('\n');
    this.#open = (pieces.pop() ?? '').slice(0, maxLineLength);
    for (const piece of pieces) this.#add(piece);
  }

  end(): void {
    if (this.#open !== '') this.#add(this.#open);
    this.#open = '';
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    let position = 0;
    for (;;) {
      position = Math.max(position, this.#dropped);
      const line = this.#lines[position - this.#dropped];
      if (line !== undefined) {
        position++;
        yield line;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  #add(raw: string): void {
    const line = raw.replace(/\r+$/, '').slice(0, maxLineLength);
    this.#lines.push(line);
    if (this.#lines.length > maxLines) {
      this.#dropped += this.#lines.length - maxLines / 2;
      this.#lines = this.#lines.slice(-maxLines / 2);
    }
    this.onLine(line);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
