/** Says what a value is, or throws where it is something else. */
export type Rule<T> = (value: unknown, at: string) => T

/** An object with exactly these fields: a name that is misspelt shows twice. */
export function shape<T extends Record<string, Rule<unknown>>>(rules: T): Rule<{ [K in keyof T]: ReturnType<T[K]> }>
export function shape(rules: Record<string, Rule<unknown>>): Rule<Record<string, unknown>> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'an object', value)
    for (const name of Object.keys(value)) if (!Object.hasOwn(rules, name)) throw new Error(`${at}.${name} is no field`)
    return Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [name, rule(Reflect.get(value, name), `${at}.${name}`)]),
    )
  }
}

export function each<T>(rule: Rule<T>): Rule<T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length === 0) throw wrong(at, 'a list that is not empty', value)
    return value.map((item, index) => rule(item, `${at}[${index}]`))
  }
}

export function text(pattern: RegExp): Rule<string> {
  return (value, at) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(at, `a string that matches ${pattern}`, value)
    return value
  }
}

export function integer(least: number, most: number): Rule<number> {
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw wrong(at, `an integer from ${least} to ${most}`, value)
    return value
  }
}

export function oneOf<T extends string | boolean>(...values: readonly T[]): Rule<T> {
  return (value, at) => {
    const found = values.find((allowed) => allowed === value)
    if (found === undefined) throw wrong(at, values.join(' or '), value)
    return found
  }
}

export function only<T extends string | boolean>(allowed: T): Rule<T> {
  return oneOf(allowed)
}

function wrong(at: string, rule: string, value: unknown): Error {
  return new Error(`${at} must be ${rule}, is ${JSON.stringify(value)}`)
}
