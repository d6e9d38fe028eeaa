import { constants } from 'node:os'

// The exit code of a process whose applications were told to leave.

/** How they left. */
interface Outcome {
  /** Nothing was cut, and each application closed. */
  readonly clean: boolean
  /** The highest code that an application asked for; 0: none did. */
  readonly worst: number
}

/** The code once all have left, at a drain's deadline too; `undefined`: what `process.exitCode` says, usually 0. */
export function codeAfterDrain({ clean, worst }: Outcome): number | undefined {
  if (worst > 0) return worst
  return clean ? undefined : 1
}

/** The code when a second signal, or PM2's message again, ends the process. `isOnlyClosing`: all requests were answered before. */
export function codeOfSecondSignal(reason: string, isOnlyClosing: boolean): number {
  if (isOnlyClosing) return 1
  for (const [name, number] of Object.entries(constants.signals)) if (name === reason) return 128 + number
  return 1
}
