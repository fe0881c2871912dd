import Sequencer from '@jest/test-sequencer';

/** Suites that run the whole service or boot a kernel take minutes; started last, one of them would keep one core waiting for the other. */
const longestFirst = [
  '/test/pipeline/',
  '/test/loading/',
  '/libs/loader/',
  '/libs/guest/',
  '/apps/agent/src/attacks.test',
];

/** Jest's own order (what failed before, then by what it knows of times, else by size), behind the suites that are known to be long. */
export default class LongestFirst extends Sequencer {
  /** Jest's own `sort` answers at once; its type allows a promise, so that is waited for. */
  async sort(tests) {
    const sorted = await super.sort(tests);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}

function rank({ path }) {
  const at = longestFirst.findIndex((part) => path.includes(part));
  return at === -1 ? longestFirst.length : at;
}
