/**
 * The values of one statement, and the number of each. `$n` in the text is what `add` returned, so that text and
 * values cannot drift apart and nothing of a caller ever becomes text.
 */
export class Values {
  readonly list: unknown[] = [];

  add(value: unknown): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}
