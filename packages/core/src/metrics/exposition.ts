import type { Connections } from '../types.js'
import { Collector, type Sample } from './collector.js'
import { type Definition, DRAIN, DURATION, labelName, PER_CONNECTION, prometheusName, READ } from './definitions.js'
import type { Histogram } from './histogram.js'

/** The two text formats that Prometheus reads. They differ in the line that announces a counter, and in the end of the text. */
export type ExpositionFormat = 'openmetrics' | 'text'

/** The Content-Type of each format. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = Object.freeze({
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
})

/** How {@link exposition} writes. */
export interface ExpositionOptions {
  /** `'openmetrics'` (default): OpenMetrics 1.0, for Prometheus 2.5 and later. `'text'`: the older text format 0.0.4. */
  format?: ExpositionFormat | undefined
}

/**
 * All metrics of a handle as the text that Prometheus scrapes, without any other package; send it with the Content-Type of {@link contentTypes}. It counts the
 * ends of connections from the first call on: call it once when the server starts. All else is counted since the handle was made.
 */
export function exposition(connections: Connections, { format = 'openmetrics' }: ExpositionOptions = {}): string {
  const collector = Collector.of(connections)
  collector.recordAlways()
  const values = collector.read()
  const lines: string[] = []
  for (const definition of [...READ, DRAIN]) {
    const suffix = definition.kind === 'counter' ? '_total' : ''
    const name = prometheusName(definition)
    announce(lines, definition, format)
    for (const { attributes, value } of values.get(definition.name) ?? [])
      lines.push(`${name}${suffix}${labels(attributes)} ${value}`)
  }
  for (const [definition, histogram] of [
    [DURATION, collector.duration],
    [PER_CONNECTION, collector.requests],
  ] as const) {
    announce(lines, definition, format)
    pushHistogram(lines, prometheusName(definition), histogram, format)
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

function announce(lines: string[], definition: Definition, format: ExpositionFormat): void {
  const { kind, unit, help } = definition
  const suffix = kind === 'counter' && format === 'text' ? '_total' : ''
  const name = `${prometheusName(definition)}${suffix}`
  lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind === 'upDownCounter' ? 'gauge' : kind}`)
  if (format === 'openmetrics' && unit === 's') lines.push(`# UNIT ${name} seconds`)
}

function pushHistogram(lines: string[], name: string, histogram: Histogram, format: ExpositionFormat): void {
  for (const { attributes, buckets, sum, count } of histogram.series()) {
    histogram.bounds.forEach((bound, at) => {
      const le = format === 'openmetrics' && Number.isInteger(bound) ? bound.toFixed(1) : String(bound)
      lines.push(`${name}_bucket${labels({ ...attributes, le })} ${buckets[at]}`)
    })
    lines.push(`${name}_bucket${labels({ ...attributes, le: '+Inf' })} ${count}`)
    lines.push(`${name}_sum${labels(attributes)} ${sum}`, `${name}_count${labels(attributes)} ${count}`)
  }
}

/** No attribute value has a quote, a backslash or a line break. */
function labels(attributes: Sample['attributes']): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${labelName(name)}="${value}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
