// Where the project is to be found stands once, in the root's package.json; `node scripts/manifests.mjs write` copies it into each package, `check` compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages, root } from './steps.mjs'

const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [mode = 'check'] = process.argv.slice(2)
let differs = false
for (const name of packages) {
  const file = join(root, 'packages', name, 'package.json')
  const { version, description, keywords, license, author, homepage, bugs, repository, ...rest } = JSON.parse(
    readFileSync(file, 'utf8'),
  )
  const whole = {
    name: rest.name,
    version,
    description,
    keywords,
    license: source.license,
    author: source.author,
    homepage: source.homepage,
    bugs: source.bugs,
    repository: { ...source.repository, directory: `packages/${name}` },
    ...rest,
  }
  const wanted = `${JSON.stringify(whole, undefined, 2)}\n`
  if (mode === 'write') writeFileSync(file, wanted)
  else if (JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) !== JSON.stringify(whole)) {
    console.error(`packages/${name}/package.json differs from what the root's says: node scripts/manifests.mjs write`)
    differs = true
  }
}
process.exit(differs ? 1 : 0)
