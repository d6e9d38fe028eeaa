// The public types of each package as a report, in test/api: `write` notes what is published now, `check` compares. Read from the declarations that
// `npm run build` makes.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { hash, root, unlessStamped } from './steps.mjs'

/** The entries that people import types from, by the names of their reports. */
const ENTRIES = {
  core: 'core/dist/types/index.d.ts',
  cluster: 'core/dist/types/cluster/index.d.ts',
  metrics: 'core/dist/types/metrics/index.d.ts',
  view: 'core/dist/types/view/index.d.ts',
  express: 'express/dist/types/index.d.ts',
  fastify: 'fastify/dist/types/index.d.ts',
  probe: 'probe/dist/types/index.d.ts',
}

const [mode = 'check'] = process.argv.slice(2)
const silent = { default: { logLevel: 'none' } }
const folder = mkdtempSync(join(tmpdir(), 'halfclose-api-'))
try {
  if (mode === 'write') reportAll()
  else await unlessStamped(join(root, 'node_modules/.cache/halfclose/api'), hash(...published()), reportAll)
} finally {
  rmSync(folder, { recursive: true })
}

/** All that a check depends on: where it is what it was, there is nothing to check again. */
function published() {
  const types = new Set(Object.values(ENTRIES).map((file) => join(root, 'packages', file.split('/')[0], 'dist/types')))
  const files = [...types].flatMap((from) => readdirSync(from, { recursive: true }).map((name) => join(from, name)))
  const reports = Object.keys(ENTRIES).map((name) => join(root, 'test/api', `${name}.api.md`))
  return [...files.filter((file) => file.endsWith('.d.ts')), ...reports].map((file) => readFileSync(file))
}

function reportAll() {
  for (const [name, file] of Object.entries(ENTRIES)) {
    const projectFolder = join(root, 'packages', file.split('/')[0])
    const entry = join(root, 'packages', file)
    const configObject = {
      projectFolder,
      mainEntryPointFilePath: entry,
      compiler: {
        overrideTsconfig: {
          compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'] },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: folder,
        reportTempFolder: join(folder, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: silent, compilerMessageReporting: silent, tsdocMessageReporting: silent },
    }
    const packageJsonFullPath = join(projectFolder, 'package.json')
    const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath })
    Extractor.invoke(config, {
      localBuild: true,
      messageCallback(message) {
        message.handled = true
        if (message.logLevel === 'error') throw new Error(message.text)
      },
    })
    compare(`${name}.api.md`)
  }
  if (process.exitCode === 1) throw new Error('the public types have changed')
}

function compare(report) {
  // Whether a type comes by `import type` changes nothing for those who use the package.
  const now = readFileSync(join(folder, report), 'utf8').replaceAll(/^import type /gm, 'import ')
  const noted = join(root, 'test/api', report)
  if (mode === 'write') return writeFileSync(noted, now)
  if (readFileSync(noted, 'utf8') === now) return
  writeFileSync(`${noted}.new`, now)
  console.error(
    `test/api/${report}: the public types have changed. Where that is meant: node scripts/api.mjs write (now: ${noted}.new)`,
  )
  process.exitCode = 1
}
