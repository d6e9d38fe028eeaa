/** A rule that the specification demands, one that it recommends, or a behaviour that is only reported. */
export type Level = 'MUST' | 'SHOULD' | 'behaviour'

/** A MUST is kept or not (`pass`, `fail`), a SHOULD too (`pass`, `warn`); behaviour is reported (`yes`, `no`). */
export type Outcome = 'pass' | 'fail' | 'warn' | 'yes' | 'no' | 'not applicable'

/** What a trial showed. */
export type Judgement =
  | { kept: boolean; detail: string }
  /** The trial could not be judged, and why. */
  | { kept: undefined; detail: string }

export const kept = (detail: string): Judgement => ({ kept: true, detail })
export const broken = (detail: string): Judgement => ({ kept: false, detail })
export const notApplicable = (detail: string): Judgement => ({ kept: undefined, detail })

/** Kept if `holds`, otherwise broken. */
export const judged = (holds: boolean, good: string, bad: string): Judgement => (holds ? kept(good) : broken(bad))

export function outcomeOf(level: Level, { kept: holds }: Judgement): Outcome {
  if (holds === undefined) return 'not applicable'
  if (level === 'behaviour') return holds ? 'yes' : 'no'
  if (holds) return 'pass'
  return level === 'MUST' ? 'fail' : 'warn'
}

/** Several trials of one check: the rule is kept if it was kept in every trial that could be judged. */
export function together(all: readonly Judgement[]): Judgement {
  const judgedOnes = all.filter(({ kept: holds }) => holds !== undefined)
  const bad = judgedOnes.filter(({ kept: holds }) => holds === false)
  const shown = bad[0] ?? judgedOnes[0] ?? all[0] ?? notApplicable('it was not tried')
  if (judgedOnes.length < 2) return shown
  const times = `${bad.length > 0 ? bad.length : judgedOnes.length} of ${judgedOnes.length} times`
  return { ...shown, detail: `${shown.detail} (${times})` }
}
