import { Cursor } from './cursor.js';
import { ElfError } from './errors.js';
import { stringAt } from './string-table.js';

/** One note (gABI "Note Section"), e.g. the build id: owner `GNU`, type 3. */
export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
}

const maxNotes = 1024;
const align4 = (value: number) => (value + 3) & ~3;

/** Reads the notes of one note section (4-byte aligned, as all of Linux's are). */
export function readNotes(data: Uint8Array): ElfNote[] {
  const cursor = new Cursor(data, 'a note section');
  const notes: ElfNote[] = [];
  let at = 0;
  while (at < data.length) {
    if (notes.length >= maxNotes) throw new ElfError('too-large', at, `more than ${maxNotes} notes`);
    const nameSize = cursor.u32(at);
    const descriptionSize = cursor.u32(at + 4);
    if (nameSize > data.length || descriptionSize > data.length)
      throw new ElfError('bad-note', at, `a note of ${nameSize} + ${descriptionSize} bytes`);
    const name = cursor.slice(at + 12, nameSize);
    const descriptionAt = at + 12 + align4(nameSize);
    notes.push({
      owner: nameSize === 0 ? '' : stringAt(name, 0),
      type: cursor.u32(at + 8),
      description: cursor.slice(descriptionAt, descriptionSize),
    });
    at = descriptionAt + align4(descriptionSize);
  }
  return notes;
}

/** The bytes of a note section that holds one note. */
export function noteBytes(note: ElfNote): Uint8Array {
  const owner = new TextEncoder().encode(`${note.owner}\0`);
  const bytes = new Uint8Array(12 + align4(owner.length) + align4(note.description.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, owner.length, true);
  view.setUint32(4, note.description.length, true);
  view.setUint32(8, note.type, true);
  bytes.set(owner, 12);
  bytes.set(note.description, 12 + align4(owner.length));
  return bytes;
}
