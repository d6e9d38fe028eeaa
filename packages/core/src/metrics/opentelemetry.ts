import { HalfcloseTypeError } from '../errors/errors.js'
import type { Connections } from '../types.js'
import { Collector } from './collector.js'
import { type Definition, DRAIN, DURATION, PER_CONNECTION, READ } from './definitions.js'
import { Registration } from './registration.js'

/** What OpenTelemetry is told about an instrument. */
export interface InstrumentOptions {
  /** One sentence. */
  description?: string
  /** UCUM, e.g. `s`. */
  unit?: string
  /** The upper bounds of a histogram's buckets. */
  advice?: { explicitBucketBoundaries?: number[] }
}

/** An observable instrument of OpenTelemetry, with the members that are used. */
export interface ObservableInstrument {
  /** Tells it from other objects; not called. */
  addCallback(callback: (result: { observe(value: number, attributes?: Record<string, string>): void }) => void): void
}

/** The argument of an OpenTelemetry callback. */
export interface ObservableResult {
  /** Records a value. */
  observe(instrument: ObservableInstrument, value: number, attributes?: Record<string, string>): void
}

/** A `Meter` of @opentelemetry/api, with the members that are used. */
export interface OpenTelemetryMeter {
  /** Of `@opentelemetry/api`. */
  createCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Record<string, string>): void }
  /** Of `@opentelemetry/api`. */
  createHistogram(name: string, options?: InstrumentOptions): { record(value: number, attributes?: Record<string, string>): void }
  /** Of `@opentelemetry/api`. */
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableInstrument
  /** Of `@opentelemetry/api`. */
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableInstrument
  /** Of `@opentelemetry/api`. */
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservableInstrument
  /** Of `@opentelemetry/api`. */
  addBatchObservableCallback(callback: (result: ObservableResult) => void, instruments: ObservableInstrument[]): void
  /** Of `@opentelemetry/api`. */
  removeBatchObservableCallback(callback: (result: ObservableResult) => void, instruments: ObservableInstrument[]): void
}

/** Options of {@link opentelemetry}. */
export interface OpenTelemetryOptions {
  /** E.g. `metrics.getMeter('my-service')` of `@opentelemetry/api`. */
  meter: OpenTelemetryMeter
}

/**
 * Makes the metrics of a handle instruments of an OpenTelemetry `Meter`. They are read at each collection, except for two histograms, which are filled as
 * connections end. The same call again changes nothing. Returns a function that stops it, unless another call has asked for the same, too.
 *
 * @throws `HALFCLOSE_METRICS_TAKEN` if the meter has the metrics of another handle that has not drained: give each a meter of its own name
 */
export function opentelemetry(connections: Connections, { meter }: OpenTelemetryOptions): () => void {
  const before = Registration.of(meter)
  if (before?.connections === connections) return before.use()
  if (before !== undefined && !before.isOver) {
    const message =
      'halfclose: this meter has the metrics of another handle, which has not drained: give each a meter of its own name'
    throw new HalfcloseTypeError('HALFCLOSE_METRICS_TAKEN', message)
  }
  before?.end()
  const instruments = READ.map((definition) => ({ name: definition.name, instrument: observable(meter, definition) }))
  const all = instruments.map(({ instrument }) => instrument)
  // Without an SDK all meters are one object, which gives the same instrument for every name.
  if (new Set(all).size < all.length) return () => {}
  const duration = meter.createHistogram(DURATION.name, optionsOf(DURATION))
  const requests = meter.createHistogram(PER_CONNECTION.name, optionsOf(PER_CONNECTION))
  const drained = meter.createCounter(DRAIN.name, optionsOf(DRAIN))
  const collector = Collector.of(connections)
  const stop = collector.record((ended) => {
    duration.record(ended.seconds, ended.attributes)
    requests.record(ended.requests)
  })
  const told = collector.toldTo(meter)
  const observe = (result: ObservableResult) => {
    const values = collector.read()
    for (const { name, instrument } of instruments)
      for (const { attributes, value } of values.get(name) ?? []) result.observe(instrument, value, attributes)
    for (const { attributes, value } of values.get(DRAIN.name) ?? []) {
      const { outcome = '' } = attributes
      drained.add(value - (told.get(outcome) ?? 0), attributes)
      told.set(outcome, value)
    }
  }
  meter.addBatchObservableCallback(observe, all)
  const registration = new Registration(connections, () => {
    stop()
    meter.removeBatchObservableCallback(observe, all)
    if (Registration.of(meter) === registration) Registration.forget(meter)
  })
  registration.noteOn(meter)
  return registration.use()
}

function observable(meter: OpenTelemetryMeter, definition: Definition): ObservableInstrument {
  const { name, kind } = definition
  if (kind === 'gauge') return meter.createObservableGauge(name, optionsOf(definition))
  if (kind === 'counter') return meter.createObservableCounter(name, optionsOf(definition))
  return meter.createObservableUpDownCounter(name, optionsOf(definition))
}

function optionsOf({ help, unit, bounds }: Definition): InstrumentOptions {
  return {
    description: help,
    ...(unit !== undefined && { unit }),
    ...(bounds !== undefined && { advice: { explicitBucketBoundaries: [...bounds] } }),
  }
}
