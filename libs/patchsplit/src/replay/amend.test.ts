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

it('gives a line to the commit that changes its words alike, though neither the line nor what is around it is the same', () => {
  const fixes = commit(
    1,
    ' -+ ',
    'r = chattr_fd(fd);\n',
    'log_debug(fd, root);\n',
    'log_debug(r, root);\n',
    'other = end(root);\n',
  );
  const [old, fresh] = ['log_debug(fd, vendors_root);\n', 'log_debug(r, vendors_root);\n'];
  const trees = { base: fileOf(begin, old, end), target: fileOf(begin, fresh, end) };
  const { commits, lives } = reconstructed(trees, [fixes]);
  expect(commits).toHaveLength(1);
  expect(lives).toContainEqual([old, -1, 0]);
  expect(lives).toContainEqual([fresh, 0, Number.POSITIVE_INFINITY]);
});

it('leaves a line whose words change otherwise', () => {
  const fixes = commit(
    1,
    ' -+ ',
    'versions of the system\n',
    'legacy: freebsd-13-2\n',
    'legacy: freebsd-13-3\n',
    'as above\n',
  );
  const trees = {
    base: fileOf(begin, 'image: freebsd-14-1\n', end),
    target: fileOf(begin, 'image: freebsd-15-3\n', end),
  };
  expect(reconstructed(trees, [fixes]).commits).toHaveLength(0);
});
