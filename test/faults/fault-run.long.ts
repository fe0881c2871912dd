import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { stageNames } from './fleet.js';
import { reportOf } from './report.js';
import { runFaults, type FaultRunOptions } from './fault-run.js';
import { describe as told } from './violation.js';

const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');

Logger.overrideLogger(false);

it('a dozen kills of services and NATS under load break no promise', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-faults-'));
  try {
    const options: FaultRunOptions = {
      seed: '20261126',
      kills: 12,
      meanGapMs: 1_500,
      patientPermille: 500,
      killsPerRound: 6,
      size: { machines: 8, operators: 3 },
      stages: stageNames,
      distDir,
      folder,
      say: () => undefined,
    };
    const result = await runFaults(options);
    const { violations, crowd, entries } = result;
    expect(violations.map(told)).toEqual([]);
    // It is only worth something if something happened.
    expect(crowd.wishes.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(10);
    expect(crowd.given.length).toBeGreaterThan(0);
    expect(reportOf(options, result, 0)).toContain(`${entries.length} commits`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
