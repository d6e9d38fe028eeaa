import { halfclose } from '@halfclose/fastify'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { get } from '../../../test/support/requests.js'
import { until, within } from '../../../test/support/wait.js'
import { connect, disconnectAll, load, versions } from './apps.js'

afterEach(disconnectAll)

describe.each(versions)('the option metrics on %s', (version) => {
  it('makes the metrics instruments of a meter, and an onClose hook can still flush them', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const app = (await load(version))()
    app.addHook('onClose', () => provider.forceFlush())
    await app.register(halfclose, { drain: 'fast', metrics: { meter: provider.getMeter('test') } })
    app.get('/', async () => ({}))
    await app.listen({ port: 0, host: '127.0.0.1' })
    await (await connect(app)).ask(get('/', 'Connection: close'))
    await until('it to have ended', () => app.halfclose.stats().connections.closed === 1)
    await within(app.close(), () => 'close()')
    const metrics = exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []
    const value = (name: string, attributes: object) =>
      metrics
        .find(({ descriptor }) => descriptor.name === name)
        ?.dataPoints.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))?.value
    expect(value('halfclose.requests', { outcome: 'finished' })).toBe(1)
    expect(value('halfclose.server.state', { state: 'drained' })).toBe(1)
    await provider.shutdown()
  })
})
