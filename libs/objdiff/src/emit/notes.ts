import { noteBytes, SectionFlag, SectionType } from '#libs/elf';
import type { Findings } from '../findings.js';
import { OutputSection } from './output.js';
import type { EmitRequest } from './request.js';

/** The form of the description, told by the note's type; a reader passes over types that it doesn't know. */
const originForm = 1;

/**
 * What the module is and which kernel it was made for, as lines of `key=value`: unlike .modinfo it stays in memory, so that
 * /sys/module/NAME/notes/.note.splicecast tells any program what is loaded.
 */
export function originSection({ id, name, kernel }: EmitRequest, findings: Findings): OutputSection {
  const known = id ?? name;
  if (!/^[\x21-\x7e]{1,200}$/.test(known))
    findings.refuse({ code: 'module-name', symbol: known, reason: 'not an id of 1 to 200 printable characters' });
  const text = `id=${known}\nkernel=${kernel.buildId}\n`;
  return noteSection('.note.splicecast', 'splicecast', originForm, Buffer.from(text, 'latin1'));
}

/** A GNU build id: it tells apart modules of the same name. */
export function buildIdSection(description: Uint8Array): OutputSection {
  return noteSection('.note.gnu.build-id', 'GNU', 3, description);
}

function noteSection(name: string, owner: string, type: number, description: Uint8Array): OutputSection {
  const section = new OutputSection(name, SectionType.NOTE, SectionFlag.ALLOC);
  section.append(noteBytes({ owner, type, description }), 4);
  return section;
}
