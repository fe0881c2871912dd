/** 32-bit numbers, appended one by one. */
export class GrowingNumbers {
  private numbers = new Uint32Array(1024);
  length = 0;

  push(number: number): void {
    if (this.length === this.numbers.length) {
      const wider = new Uint32Array(this.length * 2);
      wider.set(this.numbers);
      this.numbers = wider;
    }
    this.numbers[this.length++] = number;
  }

  taken(): Uint32Array {
    return this.numbers.slice(0, this.length);
  }
}
