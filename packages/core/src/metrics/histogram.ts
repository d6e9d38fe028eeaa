import type { Attributes } from './definitions.js'

/** The values that were recorded with one set of attributes. */
export interface Series {
  readonly attributes: Attributes
  /** For each bound, how many values are at most that. */
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

interface Growing extends Series {
  readonly buckets: number[]
  sum: number
  count: number
}

/** Values counted in buckets, separately for each set of attributes. */
export class Histogram {
  readonly #series = new Map<Attributes, Growing>()

  /** `bounds`: the upper bounds of the buckets, in order. `initial`: attributes that are shown before the first value, too. */
  constructor(
    readonly bounds: readonly number[],
    initial?: Attributes,
  ) {
    if (initial !== undefined) this.#begin(initial)
  }

  /** `attributes`: the same object each time. */
  record(value: number, attributes: Attributes): void {
    const series = this.#series.get(attributes) ?? this.#begin(attributes)
    this.bounds.forEach((bound, at) => {
      if (value <= bound) series.buckets[at] = (series.buckets[at] ?? 0) + 1
    })
    series.sum += value
    series.count++
  }

  series(): Iterable<Series> {
    return this.#series.values()
  }

  #begin(attributes: Attributes): Growing {
    const series = { attributes, buckets: this.bounds.map(() => 0), sum: 0, count: 0 }
    this.#series.set(attributes, series)
    return series
  }
}
