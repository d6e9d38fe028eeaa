import type { Attributes } from './collector.js'

interface Series {
  readonly attributes: Attributes
  /** For each bound, how many values are at most that. */
  readonly buckets: number[]
  sum: number
  count: number
}

/** Values counted in buckets, separately for each set of attributes. */
export class Histogram {
  readonly #series = new Map<string, Series>()

  /** `bounds`: the upper bounds of the buckets, in order. */
  constructor(readonly bounds: readonly number[]) {}

  record(value: number, attributes: Attributes): void {
    const key = JSON.stringify(attributes)
    const series = this.#series.get(key) ?? { attributes, buckets: this.bounds.map(() => 0), sum: 0, count: 0 }
    this.#series.set(key, series)
    this.bounds.forEach((bound, at) => {
      if (value <= bound) series.buckets[at] = (series.buckets[at] ?? 0) + 1
    })
    series.sum += value
    series.count++
  }

  series(): Iterable<Readonly<Series>> {
    return this.#series.values()
  }
}
