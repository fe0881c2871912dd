import { stripVTControlCharacters } from 'node:util';
import { recordLines, tableText } from './output.js';

describe('a table for people', () => {
  const columns = ['bundleId', 'why', 'cves'];
  const row = {
    bundleId: 'b'.repeat(20),
    why: 'a reason that goes on\u001B[2J and on',
    cves: ['CVE-2026-1111', 'CVE-2026-2222'],
  };

  it('fits its terminal, and names ids whole', () => {
    const lines = stripVTControlCharacters(tableText(columns, [row], 60)).split('\n');
    expect(lines.map((line) => line.length)).toEqual(lines.map(() => 60));
    expect(lines).toContain(`│ ${'b'.repeat(20)} │ a reason that … │ CVE-2026-1111 … │`);
  });

  it('fits it with paths in it too', () => {
    const moved = { bundleId: 'b1', why: '', cves: ['drivers/net/ethernet/intel/e1000_main.c'] };
    const lines = stripVTControlCharacters(tableText(columns, [moved], 48)).split('\n');
    expect(lines.slice(3, 5)).toEqual([
      '│ b1       │     │ drivers/net/ethernet/intel/ │',
      '│          │     │ e1000_main.c                │',
    ]);
  });

  it('has all there is where it goes elsewhere', () => {
    expect(tableText(columns, [row], Infinity)).toContain(
      `│ ${'b'.repeat(20)} │ a reason that goes on\\u001b[2J and on │ CVE-2026-1111 CVE-2026-2222 │`,
    );
  });
});

describe('a record for people', () => {
  it('is a line a member, in one column', () => {
    expect(recordLines({ fixId: 'f1', cves: ['CVE-1', 'CVE-2'], paths: [], objects: 1, drop: undefined })).toEqual([
      'fixId    f1',
      'cves     CVE-1 CVE-2',
      'paths',
      'objects  1',
    ]);
  });

  it('has what is inside of a member below it, each part of a list with a dash', () => {
    const functions = [
      { symbol: 'a', object: 'vmlinux', seen: { at: 1 } },
      { symbol: 'b', object: 'ext4' },
    ];
    expect(
      recordLines({ state: 'built', runPre: { matched: 2, checked: 3 }, functions, mixed: [{ a: 1 }, 'b'] }),
    ).toEqual([
      'state  built',
      'runPre',
      '  matched  2',
      '  checked  3',
      'functions',
      '- symbol  a',
      '  object  vmlinux',
      '  seen',
      '    at  1',
      '- symbol  b',
      '  object  ext4',
      'mixed',
      '- a  1',
      '- b',
    ]);
  });

  it('shows what a terminal would obey', () => {
    expect(recordLines({ hostname: 'web-1\u001B[2J\u009B31m', subject: 'a\u202Eb', message: 'two\nlines' })).toEqual([
      'hostname  web-1\\u001b[2J\\u009b31m',
      'subject   a\\u202eb',
      'message   two\nlines',
    ]);
  });
});
