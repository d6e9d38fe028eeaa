import type { Response } from '../../support/responses.js'
import { until, within } from '../../support/wait.js'
import type { Owed, State } from './facts.js'
import type { Play } from './play.js'

/** What waiting does not mend. */
export class Mismatch extends Error {}

/** Compares the server with the model. What is not there yet is told; what must never happen is thrown. */
export function whatIsMissing(play: Play): string | undefined {
  const { model, app, client } = play
  checkSeen(play)
  checkAnswers(play)
  if (app.seen.length < model.seen.length && !model.gone)
    return `the application was not given ${model.seen[app.seen.length]}\n${client}`
  const firm = model.owed.filter(({ optional }) => optional !== true)
  const answers = client.answers.list.length
  if (answers < firm.length && !model.gone) return `answer ${answers + 1}, to ${firm[answers]?.id}\n${client}`
  if (model.begun !== undefined && client.heads.list.length <= firm.length)
    return `the head of the answer to ${model.current?.id}\n${client}`
  if (model.upgraded && !model.gone && Buffer.concat(client.parser.tunnel).toString() !== model.tunnelled)
    return `the echo ${model.tunnelled}\n${client}`
  const state = stateOf(play)
  if (!model.states.some((allowed) => allowed === state))
    return `the state ${model.states.join(' or ')}: it is ${state}\n${client}`
  if (model.over !== undefined && !model.gone && client.ending === undefined) return `the end of the connection\n${client}`
  return inputTaken(play) ? undefined : `the server to read all that was sent\n${client}`
}

function checkSeen({ model, app }: Play): void {
  const wrong = app.seen.findIndex((id, index) => id !== model.seen[index])
  if (wrong < 0) return
  const due = model.seen[wrong]
  throw new Mismatch(
    `the application was given ${app.seen[wrong]} instead of ${due ?? 'nothing'}; all it saw: ${app.seen.join(' ')}`,
  )
}

function checkAnswers({ model, client, script }: Play): void {
  for (const [index, answer] of client.answers.list.entries()) {
    const owed = model.owed[index]
    if (owed === undefined) throw new Mismatch(`an answer too many: ${answer}\n${client}`)
    const wrong = differs(answer, owed)
    if (wrong !== undefined) throw new Mismatch(`answer ${index + 1}, to ${owed.id}: ${wrong}: ${answer}\n${client}`)
  }
  if (client.parser.garbage !== '') throw new Mismatch(`what is no response: ${client}`)
  if (model.gone || client.ending === undefined) return
  if (model.over === undefined) throw new Mismatch(`it ended (${client.ending}), though it should not\n${client}`)
  if (model.over !== 'either' && client.ending !== model.over)
    throw new Mismatch(`it ended with ${client.ending} instead of ${model.over}\n${client}`)
  if (script.tls && model.over === 'fin' && client.ending === 'fin' && !client.closeNotify)
    throw new Mismatch(`a FIN without close_notify\n${client}`)
}

function differs(answer: Response, { status, text, closes, max }: Owed): string | undefined {
  if (answer.status !== status) return `the status is not ${status}`
  if (status === 101) return undefined
  if (text !== undefined && answer.text !== text) return `the body is not '${text.slice(0, 40)}' (${text.length} B)`
  if (closes !== undefined && answer.closes !== closes) return closes ? 'it does not announce the close' : 'it announces a close'
  if (answer.closes) return answer.header('keep-alive') === undefined ? undefined : 'Keep-Alive beside a close'
  const said = /max=(\d+)/.exec(answer.header('keep-alive') ?? '')?.[1]
  return closes === false && said !== (max === undefined ? undefined : String(max)) ? `max is not ${max}` : undefined
}

function stateOf({ app }: Play): State | 'several' {
  const states: readonly State[] = ['silent', 'busy', 'idle', 'closing', 'lingering', 'upgraded']
  const open = new Map<string, number>(Object.entries(app.connections.stats().open))
  const found = states.filter((state) => (open.get(state) ?? 0) > 0)
  return found.length > 1 ? 'several' : (found[0] ?? 'none')
}

/** So that what the test does next comes after it, at the server too. */
function inputTaken({ model, app, mustEnd, sender: { mustRead } }: Play): boolean {
  if (model.gone || model.over !== undefined || app.socket === undefined) return true
  return app.socket.bytesRead >= mustRead && (!mustEnd || app.inputEnded)
}

/** Milliseconds for which the machine may stand still amid a drain. */
const STANDS = 15_000

/** After the client has left: nothing is open, nothing was counted twice, and the drain's report adds up. */
export async function checkEnd(play: Play): Promise<void> {
  const { model, app, client, script } = play
  // A late answer goes nowhere, and does no harm.
  for (const res of app.held.values()) res.end('too late')
  const { connections } = app
  if (model.fog) client.vanish()
  await until('nothing open at the server', () => Object.values(connections.stats().open).every((count) => count === 0))
  await until('no connection left', async () => (await app.openConnections()) === 0)
  const report = await within(connections.drain(), () => 'the drain to end')
  const { received, finished, cut, aborted, dropped } = connections.stats().requests
  if (received !== finished + cut + aborted)
    throw new Mismatch(`received ${received}, but finished ${finished}, cut ${cut}, aborted ${aborted}`)
  // A machine that stands still for a while is no failure; a drain that waits for something that never comes is one.
  if (report.ms > script.drain.deadline + Math.min(script.quiet, 2_000) + STANDS)
    throw new Mismatch(`the drain took ${report.ms} ms`)
  if (report.clean !== (report.requests.cut === 0)) throw new Mismatch(`clean: ${report.clean}, cut: ${report.requests.cut}`)
  if (model.fog) return checkFog(play)
  checkSeen(play)
  checkAnswers(play)
  if (model.gone) return
  const { requests } = report
  // What waited behind a request that was cut is cut as well; the counts have it among the dropped.
  const isCutRight = requests.cut >= model.cut && requests.cut <= model.cut + dropped
  if (!isCutRight || requests.finished + requests.rescued !== model.finished)
    throw new Mismatch(`reported ${JSON.stringify(requests)}; finished were ${model.finished}, cut ${model.cut}\n${client}`)
}

/** What holds even where two things raced: each request once, in order, and answers to a part of them, in order, none behind a close. */
function checkFog({ app, client }: Play): void {
  const numbers = app.seen.map((id) => Number(id.slice(1)))
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? -1)))
    throw new Mismatch(`out of order, or twice: ${app.seen.join(' ')}`)
  const answers = client.answers.list
  const closing = answers.findIndex((answer) => answer.closes)
  if (closing >= 0 && closing < answers.length - 1) throw new Mismatch(`an answer behind a close\n${client}`)
}
