import { commit, fileOf, reconstructed } from './replay.fixture.js';

it('puts a change in although what is around it differs, when another commit takes its lines away', () => {
  const [begin, end] = ['begin the redraw of the line\n', 'end the redraw of the line\n'];
  const after = 'flush_the_line(at);\n';
  const portable = '#ifdef ENABLE_IMAGES\n';
  const interim = 'draw_the_line(at, interim_width);\n';
  const last = 'draw_the_line(at, visible_width);\n';
  // Made where the portable version's line is not.
  const adds = commit(1, ' +  ', begin, interim, end, after);
  const rewrites = commit(2, ' -+', begin, interim, last);
  const trees = { base: fileOf(begin, end, portable, after), target: fileOf(begin, last, end, portable, after) };
  const { commits, lives } = reconstructed(trees, [adds, rewrites]);
  expect(commits).toHaveLength(2);
  expect(lives).toContainEqual([interim, 0, 1]);
  expect(lives).toContainEqual([last, 1, Number.POSITIVE_INFINITY]);
});
