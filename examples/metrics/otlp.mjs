import { halfclose } from '@halfclose/express'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import express from 'express'

// To OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.
const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })
const provider = new MeterProvider({ readers: [reader] })

const app = express()
halfclose(app, {
  signals: true,
  readiness: '/ready',
  metrics: { meter: provider.getMeter('hello') },
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  // The result of the drain is known when it has ended. The last export happens then, before the process exits.
  onDrained: () => provider.forceFlush(),
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})
