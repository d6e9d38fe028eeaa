import type { Kind, Mode, Wish } from './script.js'

export interface Request extends Wish {
  id: string
  /** It arrived before the drain began. */
  early: boolean
}

/** An answer that must arrive whole, in this place. */
export interface Owed {
  id: string
  status: number
  text: string | undefined
  /** Whether its head announces the end; `undefined`: it may. */
  closes: boolean | undefined
  /** What `max=` must say, if it persists. */
  max: number | undefined
  /** It may be missing: what is wrong was sent by a client that then said it has nothing more to say. */
  optional?: boolean
}

/** How the server's output must end: with FIN; with a reset, as the cut would look complete; or either, since it was broken off. */
export type Ending = 'fin' | 'reset' | 'either'
export type State = 'silent' | 'busy' | 'idle' | 'closing' | 'lingering' | 'upgraded' | 'none'

export const bodyOf = (id: string): string => `this answers ${id}`
export const BIG = 400_000
export const MALFORMED = 'malformed'

/** What an answer of this kind looks like to the client. `left`: what `max=` must say. */
export function owedFor({ id, kind }: Request, mode: Mode, closes: boolean, left: number | undefined): Owed {
  const whole = mode === 'big' ? bodyOf(id).padEnd(BIG, '.') : bodyOf(id)
  const text = kind === 'head' || mode === 'none' ? '' : mode === 'misfit' || mode === 'long' ? whole.slice(0, 3) : whole
  return { id, status: mode === 'none' ? 204 : 200, text, closes, max: left }
}

/** Not the application's: the connection ends behind it. */
export const refusal = (id: string, status: number): Owed => ({ id, status, text: '', closes: true, max: undefined })

/** Broken off before its end. */
export const isTorn = (mode: Mode): boolean => /^(abort|torn|failed)/.test(mode)

export const is10 = ({ kind }: { kind: Kind }): boolean => kind === 'get10' || kind === 'keep10'

/** The answer to HEAD has no body that could be wrong. */
export function modeFor({ kind }: { kind: Kind }, mode: Mode): Mode {
  return kind === 'head' && !HEADS.includes(mode) ? 'length' : mode
}
const HEADS: readonly Mode[] = ['length', 'chunked', 'close', 'insists', 'none', 'abort']
