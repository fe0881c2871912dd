/** What a command printed, and its exit code. */
export interface Ran {
  readonly text: string;
  readonly exit: number;
}

type Who = 'operator' | 'machine';
const prompts: Record<Who, string> = { operator: 'operator$', machine: 'machine#' };

/** The page as it grows: prose, and what was typed with what came of it. */
export class Page {
  private readonly blocks: string[] = [];
  private session: string[] = [];

  prose(text: string): void {
    this.endSession();
    this.blocks.push(text.trim());
  }

  ran(who: Who, command: string, { text, exit }: Ran): void {
    const lines = [`${prompts[who]} ${command}`, ...(text.trim() === '' ? [] : [text.trimEnd()])];
    this.session.push([...lines, ...(exit === 0 ? [] : [`[exit code ${exit}]`])].join('\n'));
  }

  toString(): string {
    this.endSession();
    return `${this.blocks.join('\n\n')}\n`;
  }

  private endSession(): void {
    if (this.session.length === 0) return;
    this.blocks.push(`\`\`\`text\n${this.session.join('\n\n')}\n\`\`\``);
    this.session = [];
  }
}
