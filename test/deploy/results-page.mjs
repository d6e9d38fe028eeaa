/** The table of a whole run, as a page of the docs. */

const proxyNames = { haproxy: 'HAProxy', nginx: 'nginx' }
const n = (/** @type {number | null} */ value) => (value === null ? '–' : value.toLocaleString('en'))
const cells = (/** @type {any} */ column) => [
  `${proxyNames[/** @type {keyof typeof proxyNames} */ (column.proxy)]}${column.protocol === 'h2' ? ', HTTP/2 to the backends' : ''}`,
  column.framework === 'express' ? 'Express' : 'Fastify',
  column.policy === 'bare' ? 'without halfclose' : 'with halfclose',
  column.listener === 'own' ? 'its own' : 'outlives it',
  n(column.requests),
  n(column.restarts),
  n(column.lost),
  n(column.lostInAcceptQueue),
  n(column.uncleanDrains),
]
const heads = [
  'proxy',
  'framework',
  'server',
  'listener of a process',
  'requests',
  'restarts',
  'lost',
  'of these in the accept queue',
  'drains that were not clean',
]
const line = (/** @type {string[]} */ fields) => `| ${fields.join(' | ')} |`
/**
 * docs/deploy-results.md.
 * @param {{ date: string, commits: Record<string, string>, versions: Record<string, string>, machine: string, requests: number, partsPlayedAgain: string[], columns: any[] }} results
 */
export const resultsPage = ({
  date,
  commits,
  versions,
  machine,
  requests,
  partsPlayedAgain,
  columns,
}) => `# Deploys under load: the last whole run

Two backends behind a proxy are restarted in turn, while clients send requests and never repeat one. A request is lost where its client did not get the answer. HAProxy asks each backend whether it is ready, and sends no
request to one that [drains](./glossary.md#draining). nginx does not ask.

${[line(heads), line(heads.map((_, at) => (at < 4 ? '---' : '---:'))), ...columns.map((column) => line(cells(column)))].join('\n')}

- **Accept queue**: the connection was in the kernel's queue of a listening socket as that socket closed. No process ever saw it. A listener that outlives the process loses none of them: see [systemd](./recipes/systemd.md) and
  [two processes on one port](./recipes/reuseport.md).
- **Without halfclose**: Express stops with \`server.close()\`, Fastify with \`app.close()\`. These servers take part in the first of several parts only. That is enough to compare.

| | |
|---|---|
| command | \`npm run test:deploy -- --requests ${requests}\` |
| commit | ${[...new Set(Object.values(commits))].join(', ')} |
| date | ${date.slice(0, 10)} |
| machine | ${machine} |
| versions | ${Object.entries(versions)
  .map(([name, version]) => `${name} ${version}`)
  .join(', ')} |
| parts played again, since the machine stood still | ${partsPlayedAgain.length} |

For programs: [deploy-results.json](./deploy-results.json).
`
