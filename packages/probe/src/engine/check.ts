import type { Judgement, Level } from './verdict.js'

/** What a tier needs: only a URL; a slow path as well; a process that the probe starts and stops. */
export type Tier = 'a' | 'b' | 'c'

/** What a check needs. Without it the check is not applicable, with the reason. */
export type Need = 'persistent' | 'promise' | 'tls' | 'half-close' | 'http2' | 'slow' | 'stream' | 'floods' | 'http1'

/** A check in words: what `--explain` prints. */
export interface Rule {
  /** `tier/name`, stable. */
  id: string
  /** Its tier. */
  tier: Tier
  /** How strong the rule is. */
  level: Level
  /** The section of the specification. */
  section: string
  /** Its group on the page. */
  subject: string
  /** The rule in one sentence. */
  title: string
  /** What the probe sends. */
  sends: string
  /** What it expects to see. */
  expects: string
  /** Why it matters. */
  why: string
}

/** How a check runs beside others. */
export interface Running {
  needs: readonly Need[]
  /**
   * `quick` ones run many at once. `patient` ones wait for what a server does after seconds, beside all others. `heavy` ones run one by one: first the
   * `stalling` ones, each until it only waits. `timed` ones are about moments, and run all together at the end.
   */
  phase: 'quick' | 'patient' | 'stalling' | 'heavy' | 'timed'
  /** How often it is done, and has to hold, because its result depends on timing. */
  repeats: number
  /** Connections that one trial has at most at the same time. */
  connections: number
  /** Bytes that one trial sends at most, if that is much. */
  bytes: number
}

/** A rule, how it is tried, and how often. `S` is the kind of scene. */
export interface Check<S> extends Rule, Running {
  run(scene: S): Promise<Judgement>
}

/** A check is data, an action on the wire, and a pure judgement of what was seen. */
export interface CheckParts<S, Seen> extends Rule, Partial<Running> {
  look(scene: S): Promise<Seen>
  judge(seen: Seen, scene: S): Judgement
}

export function check<S, Seen>({ look, judge, ...rest }: CheckParts<S, Seen>): Check<S> {
  return {
    needs: ['http1'],
    phase: 'quick',
    repeats: 1,
    connections: 1,
    bytes: 0,
    ...rest,
    run: async (scene) => judge(await look(scene), scene),
  }
}
