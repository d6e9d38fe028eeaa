/** The known name that is nearest to a misspelt one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const folded = fold(name)
  for (let edits = 0; edits <= (folded.length > 4 ? 2 : 1); edits++) {
    const near = known.find((candidate) => within(edits, folded, fold(candidate)))
    if (near !== undefined) return near
  }
  return undefined
}

/** Whether at most `edits` insertions, deletions, replacements or swaps of neighbours turn `a` into `b`. */
function within(edits: number, a: string, b: string): boolean {
  if (a === b) return true
  if (edits === 0 || Math.abs(a.length - b.length) > edits) return false
  let same = 0
  while (a[same] === b[same]) same++
  const [s, t] = [a.slice(same), b.slice(same)]
  return (
    within(edits - 1, s.slice(1), t.slice(1)) ||
    within(edits - 1, s.slice(1), t) ||
    within(edits - 1, s, t.slice(1)) ||
    (s[0] === t[1] && s[1] === t[0] && within(edits - 1, s.slice(2), t.slice(2)))
  )
}

export function fold(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '')
}
