import { readFileSync } from 'node:fs'

/**
 * How many descriptors this process may have open; `Infinity`: no limit, or nobody tells (Windows). The kernel's own list first: a report takes ten
 * milliseconds. Node raises its soft limit to the hard one as it starts, so that it is read once.
 */
export function descriptorLimit(): number {
  return fromKernel() ?? fromReport() ?? Number.POSITIVE_INFINITY
}

function fromKernel(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? undefined : numberOf(soft)
  } catch {
    // Not Linux, or Node's permission model forbids it.
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

/** `'unlimited'` is one of its values. */
function numberOf(soft: unknown): number {
  const limit = Number(soft)
  return Number.isFinite(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY
}
