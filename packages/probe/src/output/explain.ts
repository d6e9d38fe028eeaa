import { rules } from '../rules.js'

/** A check in words; undefined if there is none with this id. */
export function explain(id: string): string | undefined {
  const rule = rules.find((one) => one.id === id)
  if (rule === undefined) return undefined
  return `${rule.id}  (${rule.level}, ${rule.section})

  ${rule.title}

  It sends    ${rule.sends}
  It expects  ${rule.expects}
  Why         ${rule.why}
`
}
