/** A figure at the quietest hour, on an ordinary day, and when everything runs at its ceiling. */
export interface Range<T> {
  readonly min: T;
  readonly expected: T;
  readonly max: T;
}

/** Changes each figure of a range. */
export function mapRange<T, U>(range: Range<T>, change: (value: T, key: keyof Range<T>) => U): Range<U> {
  return {
    min: change(range.min, "min"),
    expected: change(range.expected, "expected"),
    max: change(range.max, "max"),
  };
}
