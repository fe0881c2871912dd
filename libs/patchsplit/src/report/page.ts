import { trailersOfDifference } from '../message.js';
import { remainderGroups, sureness, sureOf, unfoundByReason } from './figures.js';
import type { SplitReport, UnfoundReason, UnusedReason, UpstreamDifference } from './schema.js';

type Commit = SplitReport['commits'][number];

/** No script, nothing fetched: what a hostile subject could still ask for, the browser refuses. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const style = `
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dt { color: #57606a } dd { margin: 0 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #d8dee4 }
th { position: sticky; top: 0; background: #f6f8fa }
code { font: 13px ui-monospace, monospace } .note { color: #57606a } .sure { color: #1a7f37 } .likely { color: #7d4e00 } .uncertain { color: #b3261e }
`;
const maxPaths = 4;

const unfoundTitles: Readonly<Record<UnfoundReason, string>> = {
  overwritten: 'Overwritten: the newer source has nothing of it',
  'already-in-a': 'In the older source already',
  'not-found': 'Not found: nothing that changed fits',
  ambiguous: 'Ambiguous: what fits, fits others as well',
};
const unusedTitles: Readonly<Record<UnusedReason, string>> = {
  'already-in-a': 'in the older source already',
  overwritten: 'tried, and not in the newer source',
  twin: 'the same change as another commit',
  'not-in-step': 'too little of it in the step',
};

/** The report as one page for people. Every text of the input is escaped: subjects and paths are whatever somebody wrote. */
export function reportPage(report: SplitReport): string {
  const title = `${report.from.version || 'A'} → ${report.to.version || 'B'}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Split ${escaped(title)}</title><style>${style}</style></head>
<body><h1>Split ${escaped(title)}</h1>
${figures(report)}
${notices(report)}
${uncertain(report)}
${unfound(report)}
${unused(report)}
${remainders(report)}
${commits(report)}
</body></html>
`;
}

/** A text in HTML, in an element or in a quoted attribute. */
export function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function figures({ counts, proof, head, commits, candidates }: SplitReport): string {
  const share = counts.hunks === 0 ? 100 : (100 * counts.attributedHunks) / counts.hunks;
  const { sure, likely, uncertain } = sureness(commits);
  const rows: [string, string][] = [
    ['Changed', `${counts.files} files, +${counts.insertions} −${counts.deletions} lines, ${counts.hunks} hunks`],
    ['Commits', `${counts.attributed} with ${share.toFixed(1)} % of the hunks, and ${counts.remainders} remainders`],
    ['Confidence', `${sure} sure, ${likely} likely, ${uncertain} uncertain`],
    ['Changelog', `${counts.subjectsFound} of ${counts.subjects} entries have a commit`],
    ...(candidates
      ? [['Upstream commits', `${candidates.used} of ${candidates.looked} used`] satisfies [string, string]]
      : []),
    ['Proof', `the last commit’s tree is <code>${escaped(proof.replayedTree)}</code>, the newer source bit for bit`],
    ['Head', `<code>${escaped(head)}</code>`],
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('\n')}</dl>`;
}

function notices({ notices }: SplitReport): string {
  if (notices.length === 0) return '';
  return `<h2>Notices</h2>\n<ul>${notices.map((notice) => `<li>${escaped(notice)}</li>`).join('\n')}</ul>`;
}

function uncertain({ commits }: SplitReport): string {
  const rows = commits.map((commit, at) => [commit, at] as const).filter(([commit]) => isDoubtful(commit));
  return section(
    'Uncertain commits, the least sure first',
    ['Commit', 'Confidence', 'Rests on', 'Differs from upstream'],
    rows
      .sort(([a], [b]) => a.confidence - b.confidence)
      .map(([commit, at]) => [
        `<a href="#c${at}">${escaped(commit.subject)}</a>`,
        confidenceOf(commit),
        escaped(commit.evidence.join(', ')),
        escaped(differenceOf(commit.difference)),
      ]),
  );
}

function isDoubtful({ kind, confidence }: Commit): boolean {
  return kind === 'attributed' && sureOf(confidence) === 'uncertain';
}

function unfound(report: SplitReport): string {
  return [...unfoundByReason(report)]
    .map(([why, entries]) =>
      section(
        `Entries without a commit. ${unfoundTitles[why]}`,
        ['Entry', 'Version', 'CVE', 'Why'],
        entries.map(({ entry, version, cves, detail }) => [entry, version, cves.join(' '), detail].map(escaped)),
      ),
    )
    .join('\n');
}

function unused({ candidates }: SplitReport): string {
  if (!candidates) return '';
  const counts = Object.entries(candidates.unused)
    .filter(([, count]) => count > 0)
    .map(([why, count]) => `${count} ${unusedTitles[why as UnusedReason]}`);
  const rows = candidates.named.map(({ id = '', subject, why, share }) => [
    `<code>${escaped(id.slice(0, 12))}</code> ${escaped(subject)}`,
    escaped(unusedTitles[why]),
    percent(share),
  ]);
  const note =
    counts.length > 0 ? `<p class="note">${counts.join('; ')}. Named are those that something spoke for.</p>` : '';
  return (
    note + section('Upstream commits that are not in the series', ['Commit', 'Why', 'Of its lines in the step'], rows)
  );
}

function remainders(report: SplitReport): string {
  return section(
    'Remainders: what nothing explains, by subsystem',
    ['Subsystem', 'Files', 'Hunks', 'Lines'],
    remainderGroups(report).map(({ label, files, hunks, insertions, deletions }) => [
      escaped(label),
      String(files),
      String(hunks),
      `+${insertions} −${deletions}`,
    ]),
  );
}

function commits({ commits }: SplitReport): string {
  return section(
    'All commits, in order',
    ['Commit', 'Subject', 'Confidence', 'Rests on', 'Files'],
    commits.map((commit, at) => [
      `<code id="c${at}">${escaped(commit.commit.slice(0, 12))}</code>`,
      subjectCell(commit),
      confidenceOf(commit),
      escaped(commit.kind === 'remainder' ? 'remainder' : commit.evidence.join(', ')),
      pathsOf(commit.paths),
    ]),
  );
}

function subjectCell({ subject, cves, upstream, difference }: Commit): string {
  const notes = [
    upstream === undefined ? '' : `upstream ${upstream.slice(0, 12)}`,
    cves.join(' '),
    differenceOf(difference),
  ]
    .filter((note) => note !== '')
    .map((note) => `<br><span class="note">${escaped(note)}</span>`);
  return escaped(subject) + notes.join('');
}

function confidenceOf({ kind, confidence }: Commit): string {
  return kind === 'remainder' ? '' : `<span class="${sureOf(confidence)}">${percent(confidence)}</span>`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

function pathsOf(paths: readonly string[]): string {
  const shown = paths
    .slice(0, maxPaths)
    .map((path) => `<code>${escaped(Buffer.from(path, 'latin1').toString('utf8'))}</code>`);
  return shown.join('<br>') + (paths.length > maxPaths ? `<br>and ${paths.length - maxPaths} more` : '');
}

function differenceOf(difference: UpstreamDifference | undefined): string {
  if (!difference) return '';
  return trailersOfDifference(difference).join('; ');
}

const cells = (row: readonly string[]): string => row.map((cell) => `<td>${cell}</td>`).join('');

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return `<h2>${title} (${rows.length})</h2>
<table><thead><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}
</tbody></table>`;
}
