import type { List } from '#libs/elf';

/** The list under a key, made when it is first asked for. */
export function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const made: V[] = [];
  lists.set(key, made);
  return made;
}

/** The last item at or before a place, of items in the order of their places. */
export function lastAtOrBefore<V>(items: List<V>, place: number, placeOf: (item: V) => number): V | undefined {
  const count = countAtOrBefore(items, place, placeOf);
  return count === 0 ? undefined : items.at(count - 1);
}

/** Those behind a place and before another, of items in the order of their places. */
export function itemsBetween<V>(items: List<V>, after: number, before: number, placeOf: (item: V) => number): V[] {
  const found: V[] = [];
  const end = countAtOrBefore(items, before - 1, placeOf);
  for (let index = countAtOrBefore(items, after, placeOf); index < end; index++) {
    const item = items.at(index);
    if (item !== undefined) found.push(item);
  }
  return found;
}

/** How many of a range of items are at or before a place; of all, if no range is given. */
export function countAtOrBefore<V>(
  items: List<V>,
  place: number,
  placeOf: (item: V) => number,
  from = 0,
  to = items.length,
): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items.at(middle);
    if (item !== undefined && placeOf(item) <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}
