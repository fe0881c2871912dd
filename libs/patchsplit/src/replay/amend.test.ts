import { commit, fileOf, reconstructed } from './replay.fixture.js';

const [begin, end] = ['begin the table\n', 'end the table\n'];

it('takes a line of an earlier commit away where the change that does so found no place', () => {
  const interim = 'draw_the_line(at, interim_width);\n';
  const stays = 'draw_the_frame(at, width);\n';
  const adds = commit(1, ' ++ ', begin, interim, stays, end);
  const rewrites = commit(
    2,
    ' -+ ',
    'what the vendor lacks\n',
    interim,
    'draw_the_line(at, width);\n',
    'nor has this\n',
  );
  const vendors = 'draw_the_line(at, vendor_width);\n';
  const trees = { base: fileOf(begin, end), target: fileOf(begin, vendors, stays, end) };
  const { lives } = reconstructed(trees, [adds, rewrites]);
  expect(lives).toContainEqual([interim, 0, 1]);
  expect(lives).toContainEqual([vendors, 1, Number.POSITIVE_INFINITY]);
});
