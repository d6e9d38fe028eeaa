export { attach } from './attach.js'
export type { ErrorCode } from './errors.js'
export { type EndToEndOptions, endToEndHeaders } from './hop-by-hop.js'
export type * from './types.js'
