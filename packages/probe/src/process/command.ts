/** A command line, taken apart without a shell. */
export interface Command {
  file: string
  args: string[]
  env: Record<string, string>
}

/** Words, quoted ones too, and `NAME=value` in front of them. Throws an Error with a sentence for people. */
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
