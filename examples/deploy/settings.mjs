/** What is the same for every column of the table. */

export const frameworks = /** @type {const} */ (['express', 'fastify', 'fastify-h2'])
export const policies = /** @type {const} */ (['bare', 'halfclose'])

export const WORKERS = 2
/** Two deploys of two workers. */
export const RESTARTS = 4
/** Of the deploy over HTTP/2, which comes last and is there to compare: one of two workers. */
export const HTTP2_RESTARTS = 2
/** How long an idle connection is promised to stay. */
export const KEEP_ALIVE = 2_000
/** A service that is not done this long after SIGTERM ends itself: a kill timer on the bare side, `drain.deadline` on the other. */
export const KILL_AFTER = 10_000
/** The same over HTTP/2, where nobody waits for a promise. Shorter, because bare Fastify ends in this way at every restart. */
export const HTTP2_KILL_AFTER = 4_000
/** A worker that is still there this long after its own bound gets SIGKILL. */
export const GRACE = 5_000
/** A request that has no whole answer by then is lost. */
export const STALLED_AFTER = 15_000
/** A worker that does not listen by then fails the demo. */
export const START_WITHIN = 10_000
/** An upload larger than this is answered 413. */
export const UPLOAD_LIMIT = 1024 * 1024
export const UPLOAD_SIZE = 8 * 1024 * 1024

/** A download: so many pieces, one every so many ms. */
export const PIECES = 10
export const PIECE = Buffer.alloc(16 * 1024, 'halfclose ')
export const PIECE_EVERY = 40
