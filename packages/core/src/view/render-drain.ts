import type { DrainRecord } from './drain-record.js'
import { page } from './page.js'

/** One static page, which loads nothing, of a record of {@link recordDrain}, or of several, one above the other on one scale of time. Lost requests are red. */
export function renderDrain(record: DrainRecord | readonly DrainRecord[]): string {
  const records: readonly DrainRecord[] = isList(record) ? record : [record]
  return page(records.map(({ title }) => title).join(' – '), JSON.stringify(records))
}

function isList(record: DrainRecord | readonly DrainRecord[]): record is readonly DrainRecord[] {
  return Array.isArray(record)
}
