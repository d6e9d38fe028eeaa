import type { Attributes } from './definitions.js'

/** The values that were recorded with one set of attributes. */
export interface Series {
  readonly attributes: Attributes
  /** For each bound, how many values are at most that. */
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

interface Counts {
  /** For each bound, how many values are at most that, and above the bound before it; the last one counts those above all bounds. */
  readonly buckets: number[]
  sum: number
}

/** Values counted in buckets, separately for each set of attributes. */
export class Histogram {
  readonly #counts = new Map<Attributes, Counts>()

  /** `bounds`: the upper bounds of the buckets, in order. `initial`: attributes that are shown before the first value, too. */
  constructor(
    readonly bounds: readonly number[],
    initial?: Attributes,
  ) {
    if (initial !== undefined) this.#begin(initial)
  }

  /** `attributes`: the same object each time. */
  record(value: number, attributes: Attributes): void {
    const counts = this.#counts.get(attributes) ?? this.#begin(attributes)
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++
    counts.buckets[at] = (counts.buckets[at] ?? 0) + 1
    counts.sum += value
  }

  *series(): Iterable<Series> {
    for (const [attributes, { buckets, sum }] of this.#counts) {
      let count = 0
      const upTo = buckets.map((more) => {
        count += more
        return count
      })
      yield { attributes, buckets: upTo.slice(0, -1), sum, count }
    }
  }

  #begin(attributes: Attributes): Counts {
    const counts = { buckets: [...this.bounds, 0].map(() => 0), sum: 0 }
    this.#counts.set(attributes, counts)
    return counts
  }
}
