// What the project holds itself to. A missed target is printed, not hidden.

const CPU = { http: { halfclose: 1.03, counting: 1.05 }, express: { halfclose: 1.02 }, fastify: { halfclose: 1.02 } }
/** Of a request on a kept connection, with metrics on, to one without. */
const METRICS = 1.01
const HEAP = 250
const STALL = 20
const RESIDENT = 20
const CHURN = 1.05

/** @returns {{ what: string, most: number, value: number, met: boolean }[]} */
export function targetsOf({ parts }) {
  const rows = (name) => parts[name]?.rows ?? []
  const targets = []
  const add = (what, most, value) => targets.push({ what, most, value, met: value <= most })
  for (const { host, variant, ratio, without } of rows('cpu')) {
    if (without !== undefined) add(`CPU per request with metrics, ${host}, ratio to without`, METRICS, without.median)
    const most = CPU[host]?.[variant]
    if (most !== undefined) add(`CPU per request, ${host}, ${variant}, ratio to bare`, most, ratio.median)
  }
  const kept = rows('instructions').filter(({ close }) => !close)
  for (const { host, variant, instructions } of kept) {
    const without = kept.find((row) => row.host === host && row.variant === 'halfclose')?.instructions
    if (variant === 'metrics' && without !== undefined)
      add(`instructions per request with metrics, ${host}, ratio to without`, METRICS, instructions / without)
  }
  for (const { host, variant, heapOverBare } of rows('idle')) {
    if (variant === 'halfclose') add(`heap per idle connection, ${host}, bytes over bare`, HEAP, heapOverBare)
  }
  for (const { host, kind, variant, stallCpu, label } of rows('drain')) {
    if (variant === 'halfclose' && kind === 'idle')
      add(`longest stall while draining idle connections, ${host}, ${label}, ms of CPU`, STALL, stallCpu)
  }
  for (const { host, variant, lowest, highest } of rows('linger')) {
    if (variant === 'halfclose') add(`resident memory while lingering, ${host}, ± MB`, RESIDENT, (highest - lowest) / 2)
  }
  for (const { host, variant, ratio } of rows('churn')) {
    if (variant === 'halfclose') add(`connection churn, ${host}, ratio to bare`, CHURN, ratio.median)
  }
  return targets
}
