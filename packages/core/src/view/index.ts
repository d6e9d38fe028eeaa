/**
 * `@halfclose/core/view`: what is open and how a drain ends it, as a page: `http.createServer(view(connections)).listen(9464, '127.0.0.1')`, and of a drain that is over as a
 * file: `renderDrain(await recordDrain(connections))`. It looks only while somebody does. docs/who-is-open.md.
 */
export type { DrainLane, DrainMark, DrainRecord, DrainSpan } from './record.js'
export { type RecordOptions, recordDrain } from './record-drain.js'
export { renderDrain } from './render-drain.js'
export { type ViewOptions, view } from './view.js'
