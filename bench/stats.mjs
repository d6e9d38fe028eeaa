export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const below = Math.floor(at)
  const above = Math.ceil(at)
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below)
}

export const median = (values) => quantile(values, 0.5)

/** The median with the quartiles around it. */
export function spread(values) {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75), count: values.length }
}

/**
 * Where the median of all that might have been measured lies, with 95 % confidence, whatever its distribution: between the order statistics that
 * so many tosses of a coin leave out. Of fewer than six values it is not known that well: all of them.
 */
export function medianWithin(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const count = sorted.length
  let left = 0
  let chance = 2 ** -count
  let below = chance
  while (below <= 0.025 && left < count / 2) {
    left++
    chance *= (count - left + 1) / left
    below += chance
  }
  const outside = Math.max(left - 1, 0)
  return { low: sorted[outside], high: sorted[count - 1 - outside] }
}

export function shuffled(values) {
  const result = [...values]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[result[last], result[other]] = [result[other], result[last]]
  }
  return result
}
