/** A command line, split into words without a shell. */
export interface Command {
  file: string
  args: string[]
  env: Record<string, string>
}

/** Splits it into words, quoted ones too, with `NAME=value` in front of them. Throws an Error with a readable sentence. */
export function parseCommand(text: string): Command {
  const words = [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(
      /"([^"]*)"|'([^']*)'/g,
      (_all, double: string | undefined, single: string | undefined) => double ?? single ?? '',
    ),
  )
  const env: Record<string, string> = {}
  while (/^\w+=/.test(words[0] ?? '')) {
    const word = words.shift() ?? ''
    env[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1)
  }
  const [file, ...args] = words
  if (file === undefined) throw new Error(`--run "${text}" names no program`)
  return { file, args, env }
}
