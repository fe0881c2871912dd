import { Initial1763900000000 } from './1763900000000-initial.js';
import { BroughtCommits1764028800000 } from './1764028800000-brought-commits.js';
import { Licensing1764115200000 } from './1764115200000-licensing.js';
import { SplitReports1764126000000 } from './1764126000000-split-reports.js';
import { Tokens1764201600000 } from './1764201600000-tokens.js';
import { Levels1764288000000 } from './1764288000000-levels.js';
import { WideNumbers1764374400000 } from './1764374400000-wide-numbers.js';
import { Publications1764460800000 } from './1764460800000-publications.js';
import { AsOf1764547200000 } from './1764547200000-as-of.js';
import { Lookups1764547300000 } from './1764547300000-lookups.js';
import { Wishes1764547500000 } from './1764547500000-wishes.js';
import { RecallKinds1764547650000 } from './1764547650000-recall-kinds.js';
import { LatestMachines1764547700000 } from './1764547700000-latest-machines.js';

/** All of them, in the order in which they are carried out. */
export const migrations = [
  Initial1763900000000,
  BroughtCommits1764028800000,
  Licensing1764115200000,
  SplitReports1764126000000,
  Tokens1764201600000,
  Levels1764288000000,
  WideNumbers1764374400000,
  Publications1764460800000,
  AsOf1764547200000,
  Lookups1764547300000,
  Wishes1764547500000,
  RecallKinds1764547650000,
  LatestMachines1764547700000,
];
