import { halfclose } from '@halfclose/express'
import { trace } from '@opentelemetry/api'
import { BatchSpanProcessor, ConsoleSpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import express from 'express'

// Spans are collected, and sent every five seconds: the last ones are lost if they are not flushed.
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())] })
provider.register()
const tracer = trace.getTracer('hello')

const app = express()
halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  // Not in a separate SIGTERM listener, as OpenTelemetry's documentation shows: then the spans of requests that are still in flight would be lost.
  onDrained: () => provider.shutdown(),
})
app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post('/echo', express.json(), (request, response) => {
  tracer.startActiveSpan('the last span', (span) => {
    response.json(request.body)
    span.end()
  })
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})
