import { sectionNamed } from '#libs/elf';
import type { Findings } from '../findings.js';
import type { ObjectFile } from '../model/object-file.js';

/** What a module says of itself (`version=`, `alias=` …) is read from its file: a live patch has another one. */
export function compareModinfo(original: ObjectFile, patched: ObjectFile, findings: Findings): void {
  const [before, after] = [fieldsOf(original), fieldsOf(patched)];
  const added = [...after].filter((field) => !before.has(field));
  const gone = [...before].filter((field) => !after.has(field));
  if (added.length + gone.length === 0) return;
  const listed = [...gone.map((field) => `-${field}`), ...added.map((field) => `+${field}`)];
  findings.notice({
    code: 'modinfo-dropped',
    reason: `what modinfo tells stays as it is, without ${listed.slice(0, 8).join(', ').slice(0, 1000)}`,
  });
}

function fieldsOf({ elf }: ObjectFile): ReadonlySet<string> {
  const section = sectionNamed(elf, '.modinfo');
  const text = section === undefined ? '' : Buffer.from(section.data).toString('latin1');
  const fields = new Set<string>();
  // One by one: a list of all that lies between zeros would take eight times the section.
  for (const [field] of text.matchAll(/[^\0]+/g)) fields.add(field);
  return fields;
}
