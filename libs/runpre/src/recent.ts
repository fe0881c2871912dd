/** Keeps what was made for the keys that were asked for last; so few that no object can make it large. */
export class Recent<K, V> {
  private readonly made = new Map<K, V>();
  private weight = 0;

  /** @param weightOf how much of `maxWeight` one takes; at most so much is kept, or one that is larger. */
  constructor(
    private readonly make: (key: K) => V,
    private readonly maxWeight = 4096,
    private readonly weightOf: (value: V) => number = () => 1,
  ) {}

  get(key: K): V {
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const value = this.make(key);
    const weight = this.weightOf(value);
    if (this.weight + weight > this.maxWeight) {
      this.made.clear();
      this.weight = 0;
    }
    this.made.set(key, value);
    this.weight += weight;
    return value;
  }
}
