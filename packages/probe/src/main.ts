import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Report } from './engine/result.js'
import { Unreachable } from './engine/server-facts.js'
import { parseTarget } from './engine/target.js'
import type { Outcome } from './engine/verdict.js'
import { nearness } from './options/address.js'
import { type FailOn, type Files, parseArguments } from './options/arguments.js'
import { help } from './options/help.js'
import { badge } from './output/badge.js'
import { explain } from './output/explain.js'
import { html } from './output/html.js'
import { progressOn } from './output/progress.js'
import { table } from './output/table.js'
import { probe } from './probe.js'
import { version } from './version.js'

/** 0: done; 1: a rule is broken; 2: nothing could be probed. */
export type ExitCode = 0 | 1 | 2

/** The program. `abort`: it has to end at once, and leave no process behind. */
export async function main(args: readonly string[], abort?: AbortSignal): Promise<ExitCode> {
  try {
    return await run(args, abort)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${error instanceof Unreachable ? message : `halfclose-probe: ${message}`}\n`)
    return 2
  }
}

async function run(args: readonly string[], abort: AbortSignal | undefined): Promise<ExitCode> {
  const wanted = parseArguments(args)
  if (wanted.do === 'version') return say(`${version}\n`)
  if (wanted.do === 'help') return say(help())
  if (wanted.do === 'explain') {
    const text = explain(wanted.id)
    if (text === undefined) throw new Error(`There is no check "${wanted.id}". --help lists them all.`)
    return say(text)
  }
  for (const file of Object.values(wanted.files)) if (file !== undefined) checkWritable(file)
  const near = await nearness(parseTarget(wanted.options.url).host)
  if (near === 'public' && !wanted.yes) await consent(wanted.options.url)
  const { progress, end } = progressOn(process.stderr)
  const report = await probe({ ...wanted.options, floods: wanted.floods || near === 'loopback', progress, abort }).finally(end)
  process.stdout.write(`\n${table(report, { colour: process.stdout.isTTY && process.env.NO_COLOR === undefined })}`)
  writeFiles(report, wanted.files)
  return exitCode(report, wanted.failOn)
}

function say(text: string): ExitCode {
  process.stdout.write(text)
  return 0
}

/** Throws unless the answer is yes. */
async function consent(url: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Error(`${url} is neither loopback nor private. Probe only what is yours, and say so with --yes.`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // The terminal may end, or Ctrl-C be pressed: that is no yes.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  const question = terminal.question(`${url} is neither loopback nor private. Is it yours to probe? (yes/no) `)
  const answer = await Promise.race([question, closed])
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new Error('not probed')
}

/** Throws before anything is probed, rather than after more than a minute. */
function checkWritable(file: string): void {
  const there = existsSync(file)
  if (there && statSync(file).isDirectory()) throw new Error(`${file} cannot be written: it is a folder`)
  if (!there && !existsSync(dirname(file))) throw new Error(`${file} cannot be written: there is no folder ${dirname(file)}`)
  try {
    accessSync(there ? file : dirname(file), constants.W_OK)
  } catch {
    throw new Error(`${file} cannot be written: its permissions forbid it`)
  }
}

function writeFiles(report: Report, files: Files): void {
  if (files.json !== undefined) writeFileSync(files.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (files.html !== undefined) writeFileSync(files.html, html(report))
  if (files.badge !== undefined) writeFileSync(files.badge, badge(report))
}

/** 1 if a rule of this level, or of a stronger one, is broken. */
export function exitCode({ results }: Pick<Report, 'results'>, failOn: FailOn): ExitCode {
  const bad: Record<FailOn, readonly Outcome[]> = { MUST: ['fail'], SHOULD: ['fail', 'warn'], never: [] }
  return results.some(({ outcome }) => bad[failOn].includes(outcome)) ? 1 : 0
}
