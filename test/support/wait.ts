export { Arrivals, type Deferred, deferred, pass, patience, until, within } from 'halfclose-probe/wire'

/** The resources that keep this process alive or are installed in it, by kind. */
export function openResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (kind: string, count: number) => {
    counts[kind] = (counts[kind] ?? 0) + count
  }
  for (const kind of process.getActiveResourcesInfo()) if (/TCP|TLS|Timeout|Immediate/.test(kind)) add(kind, 1)
  for (const event of process.eventNames()) add(`listeners of process '${String(event)}'`, process.listenerCount(event))
  return counts
}
