import { readFile } from 'node:fs/promises';
import { endsWithCheckIn, isMetadataAttack, metadataAdvice, metadataCodeOf } from './metadata-code.js';

const reason = (code: string) => [{ code, reason: 'x' }];

describe('what is wrong with the signed metadata', () => {
  it('is explained to operators, every code of it', async () => {
    const operations = await readFile(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
    for (const code of Object.keys(metadataAdvice)) expect(operations).toContain(`| \`${code}\``);
  });

  it('is never taken for what is wrong with a bundle’s own signatures', () => {
    expect(metadataCodeOf('threshold-not-met')).toBe('metadata-threshold-not-met');
    expect(metadataCodeOf('unreachable')).toBeUndefined();
    expect(metadataCodeOf('role-full')).toBeUndefined();
  });

  it('is looked at anew by each check-in, but for what costs a download', () => {
    expect(['freeze', 'unknown-target', 'lease-ended'].map((code) => endsWithCheckIn(reason(code)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['wrong-target', 'endless-data', 'bad-signature'].map((code) => endsWithCheckIn(reason(code)))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('puts trust at stake, unless it is only the network', () => {
    expect(isMetadataAttack('rollback')).toBe(true);
    expect(isMetadataAttack('slow-retrieval')).toBe(false);
    expect(isMetadataAttack('busy')).toBe(false);
  });
});
