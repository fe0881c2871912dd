import widthOf from 'string-width';

/** A line in no more than so many cells of a terminal, as far as its kind of giving goes. */
type Giving = (line: string, width: number) => string;

/**
 * Rows whose columns take no more than `width` cells together, as far as that can be: the widest column gives first. A cell is shortened
 * by whole words, `fix a leak in …`, since what is one word (an id, a number, a path) may be copied: that is never cut. Where that isn't
 * enough, paths go on in the next line.
 */
export function fitted(rows: readonly (readonly string[])[], width: number): string[][] {
  return given(given(rows, width, shortened), width, broken);
}

function given(rows: readonly (readonly string[])[], width: number, giving: Giving): string[][] {
  const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? ''));
  const inWidth = (cell: string, most: number): string =>
    cell
      .split('\n')
      .map((line) => (widthOf(line) <= most ? line : giving(line, most)))
      .join('\n');
  const leasts = columns.map((cells) => widest(cells.map((cell) => inWidth(cell, 0))));
  const widths = columns.map(widest);
  for (let over = widths.reduce((sum, one) => sum + one, 0) - width; over > 0; over--) {
    const able = widths.map((one, column) => (one > (leasts[column] ?? one) ? one : 0));
    const most = Math.max(...able);
    if (most === 0) break;
    widths[able.indexOf(most)] = most - 1;
  }
  return rows.map((row) => row.map((cell, column) => inWidth(cell, widths[column] ?? 0)));
}

function widest(cells: readonly string[]): number {
  return Math.max(0, ...cells.flatMap((cell) => cell.split('\n')).map(widthOf));
}

/** As many of its words as there is room for; the first one always. */
function shortened(line: string, width: number): string {
  const [first = '', ...words] = line.split(/(?<=\S)(?=\s)/);
  if (words.length === 0) return line;
  let kept = first;
  let room = width - widthOf(`${first} …`);
  for (const word of words) {
    room -= widthOf(word);
    if (room < 0) break;
    kept += word;
  }
  return `${kept} …`;
}

/** Over as many lines as it needs, broken behind slashes alone. */
function broken(line: string, width: number): string {
  let room = width;
  let text = '';
  for (const part of line.split(/(?<=\/)(?=[^/])/)) {
    const needed = widthOf(part);
    if (text !== '' && needed > room) {
      text += '\n';
      room = width;
    }
    text += part;
    room -= needed;
  }
  return text;
}
