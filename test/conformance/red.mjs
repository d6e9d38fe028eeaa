// A case protects something only if a bare server fails it. One that bare servers pass is marked as a `regression`: halfclose itself could break that.

const BARE = ['http', 'http2']

/**
 * What is wrong with how a case is marked.
 * @param {{ regression?: boolean, races?: boolean }} marks
 * @param {readonly Record<string, string>[]} nodes on each Node, what each bare host did: `p`, or another letter of results.json
 * @returns {string | undefined} undefined: nothing
 */
export function wronglyMarked({ regression = false, races = false }, nodes) {
  const passes = nodes.flatMap((letters) => {
    const tried = Object.values(letters).filter((letter) => letter !== '-')
    if (tried.length === 0) return []
    const plain = BARE.map((host) => letters[host]).find((letter) => letter !== undefined && letter !== '-')
    return [plain === undefined ? tried.every((letter) => letter === 'p') : plain === 'p']
  })
  if (regression) return races || passes.includes(true) ? undefined : 'marked as what a bare server does right, but it fails'
  return passes.includes(false) ? undefined : 'never seen red: the bare server passes it. Is it a `regression`?'
}
