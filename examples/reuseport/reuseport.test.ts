import { execFile, execFileSync } from 'node:child_process'
import path from 'node:path'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isKnown = major > 22 || (major === 22 && minor >= 12)

/** Whether the kernel lets us change the setting, in a namespace of our own. */
function mayMigrate(): boolean {
  try {
    execFileSync('unshare', ['-rn', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/tcp_migrate_req'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const here = isKnown && process.platform === 'linux' && mayMigrate() ? test : test.skip

here(
  'two processes at one port, replaced in turn under load, lose nothing where the kernel migrates (skipped before Node 22.12, and without `unshare -rn`)',
  async () => {
    const printed = await new Promise<string>((resolve, reject) => {
      const args = ['-rn', process.execPath, path.join(__dirname, 'rolling.mjs'), JSON.stringify({ migrate: true })]
      execFile('unshare', args, { timeout: 100_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)))
    })
    const { answered, lost, codes } = JSON.parse(printed)
    expect([lost, codes]).toEqual([0, [0, 0, 0, 0]])
    expect(answered).toBeGreaterThan(20)
  },
  120_000,
)
