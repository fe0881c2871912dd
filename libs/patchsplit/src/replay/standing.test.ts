import type { Candidate, PatchHunk } from '../candidates/candidate.js';
import { reconstruct, type Versions } from './reconstruct.js';

const path = 'tag.c';
const fileOf = (lines: readonly string[]): Versions['base'] =>
  new Map([[path, { mode: '100644' as const, content: Buffer.from(lines.join('')) }]]);

function commit(hunk: PatchHunk): Candidate {
  return {
    id: 'f'.repeat(40),
    author: { name: 'U', email: 'u@example.org', at: new Date(0) },
    subject: 'tag: sign both hashes',
    body: '',
    files: [{ from: path, to: path, copied: false, hunks: [hunk] }],
  };
}

/** What an unlisted candidate that replaces the base's only line is taken for. */
function idsOf(target: readonly string[], replaced: string, added: readonly string[]): (string | undefined)[] {
  const hunk = {
    oldStart: 1,
    section: '',
    signs: ` -${'+'.repeat(added.length)} `,
    lines: ['{\n', replaced, ...added, '}\n'],
  };
  const base = ['{\n', '\treturn sign_buffer(buffer, key) ? -1 : 0;\n', '}\n'];
  const { commits } = reconstruct({ base: fileOf(base), target: fileOf(target) }, [commit(hunk)], []);
  return commits.map(({ choice }) => choice.candidate.id);
}

const replaced = '\treturn sign_buffer(buffer, key);\n';
const added = [
  '\tif (sign_buffer(buffer, &sig, key))\n',
  '\t\tgoto clean_up_now;\n',
  '\tstrbuf_addbuf(buffer, &sig);\n',
];

it('keeps what found no place, when its lines are what the file still lacks', () => {
  expect(idsOf(['{\n', ...added, '}\n'], replaced, added)).toEqual(['f'.repeat(40)]);
});

it('lets go of what found no place, when too little of it lacks', () => {
  const more = [...added, '\tstrbuf_release(&the_compatible_buffer);\n'];
  expect(idsOf(['{\n', ...added, '}\n'], replaced, more)).toEqual([]);
});
