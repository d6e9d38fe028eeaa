/**
 * `@halfclose/core/view`: what is open and how a drain ends it, as a page: `http.createServer(view(connections)).listen(9464, '127.0.0.1')`; and a finished drain as a
 * file: `renderDrain(await recordDrain(connections))`. It looks at connections only while a page is open. docs/who-is-open.md.
 */
export type { DrainLane, DrainMark, DrainRecord, DrainSpan } from './drain-record.js'
export { type RecordOptions, recordDrain } from './record-drain.js'
export { renderDrain } from './render-drain.js'
export { type ViewOptions, view } from './view.js'
