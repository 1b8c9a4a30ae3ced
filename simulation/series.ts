/** Labels of a series. */
export type Labels = Readonly<Record<string, string>>;

/** Samples of one series, oldest first. */
export interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly times: number[];
  readonly values: number[];
}

/** Seconds an instant query looks back for a sample. @see https://prometheus.io/docs/prometheus/latest/querying/basics/ */
export const LOOKBACK_SECONDS = 300;

/** Samples kept per series beyond which the oldest half is dropped: 67 minutes of a 5 s scrape remain. */
const MOST_SAMPLES = 1_608;

/** What Prometheus would have scraped. */
export class SeriesStore {
  readonly #byName = new Map<string, Map<string, Series>>();

  /** Appends a sample. */
  add(name: string, labels: Labels, seconds: number, value: number): void {
    const family = this.#byName.get(name) ?? new Map<string, Series>();
    this.#byName.set(name, family);
    const key = JSON.stringify(labels);
    const series = family.get(key) ?? { name, labels, times: [], values: [] };
    family.set(key, series);
    if (series.times.length >= MOST_SAMPLES) {
      series.times.splice(0, MOST_SAMPLES / 2);
      series.values.splice(0, MOST_SAMPLES / 2);
    }
    series.times.push(seconds);
    series.values.push(value);
  }

  /** Drops the series of a target that is gone; Prometheus marks them stale at once. */
  drop(label: string, value: string): void {
    for (const family of this.#byName.values())
      for (const [key, { labels }] of family) if (labels[label] === value) family.delete(key);
  }

  /** Every series of a metric. */
  family(name: string): Iterable<Series> {
    return this.#byName.get(name)?.values() ?? [];
  }
}
