/** The list under a key, made when it is first asked for. */
export function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const made: V[] = [];
  lists.set(key, made);
  return made;
}

/** The last item at or before a place, of items in the order of their places. */
export function lastAtOrBefore<V>(items: readonly V[], place: number, placeOf: (item: V) => number): V | undefined {
  return items[countAtOrBefore(items, place, placeOf) - 1];
}

/** Those behind a place and before another, of items in the order of their places. */
export function itemsBetween<V>(items: readonly V[], after: number, before: number, placeOf: (item: V) => number): V[] {
  return items.slice(countAtOrBefore(items, after, placeOf), countAtOrBefore(items, before - 1, placeOf));
}

function countAtOrBefore<V>(items: readonly V[], place: number, placeOf: (item: V) => number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && placeOf(item) <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}
