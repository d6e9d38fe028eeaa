import { readFileSync } from 'node:fs'

/**
 * How many descriptors this process may have open. `Infinity`: there is no limit, or the system does not tell (Windows). The kernel's own file is
 * read first, because a report takes ten milliseconds. One reading is enough: Node raises its soft limit to the hard one when it starts.
 */
export function descriptorLimit(): number {
  return fromKernel() ?? fromReport() ?? Number.POSITIVE_INFINITY
}

function fromKernel(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? undefined : numberOf(soft)
  } catch {
    // This is not Linux, or Node's permission model forbids the file.
    return undefined
  }
}

function fromReport(): number | undefined {
  try {
    const report: unknown = process.report.getReport()
    const soft = within(within(within(report, 'userLimits'), 'open_files'), 'soft')
    return soft === undefined ? undefined : numberOf(soft)
  } catch {
    return undefined
  }
}

function within(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** The limit may be the word `'unlimited'`. */
function numberOf(soft: unknown): number {
  const limit = Number(soft)
  return Number.isFinite(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY
}
