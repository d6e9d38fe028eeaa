import { Child } from './child.mjs'

/** So many a process, well under the usual limit of open files. */
const EACH = 10_000

/** Clients spread over as many processes as they need, and no fewer than two, so that one core is not what is measured. */
export async function crowd(size) {
  const processes = Array.from({ length: Math.max(2, Math.ceil(size / EACH)) }, () => new Child('./clients.mjs', []))
  await Promise.all(processes.map((child) => child.ready()))
  const all = (command, rest) => Promise.all(processes.map((child) => child.ask(command, rest)))
  const shared = (command, count, rest) =>
    Promise.all(processes.map((child, index) => child.ask(command, { ...rest, count: share(count, processes.length, index) })))
  return {
    open: (port, count, path, options) => shared('open', count, { port, path, ...options }),
    upload: () => all('upload'),
    askAll: (path) => all('askAll', { path }),
    allClosed: () => all('allClosed'),
    leave: (how = {}) => all('leave', how),
    async seen() {
      const seen = await all('seen')
      const sum = (name) => seen.reduce((total, one) => total + one[name], 0)
      return { open: sum('open'), answered: sum('answered'), sent: sum('sent') }
    },
    kill: () => Promise.all(processes.map((child) => child.kill())),
  }
}

function share(count, among, index) {
  return Math.floor(count / among) + (index < count % among ? 1 : 0)
}
