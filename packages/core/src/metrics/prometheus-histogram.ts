import { labelsOf } from './definitions.js'
import type { Histogram } from './histogram.js'

/**
 * A histogram of prom-client that shows the values of ours. It cannot be filled with them: it takes single values, and a registry that is made later would
 * lack the connections that have ended before.
 */
export function readAtScrape(metric: object, name: string, help: string, histogram: Histogram): object {
  const get = async (): Promise<PrometheusHistogramValues> => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: valuesOf(name, histogram),
  })
  // prom-client 15 asks the second one for its text.
  return Object.assign(metric, { get, getForPromString: get })
}

/** What prom-client expects of a histogram. */
interface PrometheusHistogramValues {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly aggregator: 'sum'
  readonly values: readonly { metricName: string; labels: Record<string, string | number>; value: number }[]
}

function valuesOf(name: string, histogram: Histogram): PrometheusHistogramValues['values'] {
  const { bounds } = histogram
  return [...histogram.series()].flatMap(({ attributes, buckets, sum, count }) => {
    const labels = labelsOf(attributes)
    return [
      ...buckets.map((value, at) => ({ metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value })),
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  })
}
