/** Numbers sources in the order they are first cited. */
export class Sources {
  readonly list: string[] = [];

  /** Number of a source, from 1. */
  cite(source: string): number {
    const known = this.list.indexOf(source);
    if (known >= 0) return known + 1;
    return this.list.push(source);
  }
}
