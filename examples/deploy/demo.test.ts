import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { DrainRecord } from '@halfclose/core/view'

async function demo(...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [path.join(__dirname, 'demo.mjs'), ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const output = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await exited
  return { code, output: output.join('') }
}

describe('the demo', () => {
  it('restarts a worker of each cluster under load, shows the table, and halfclose loses nothing', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-demo-'))
    const page = path.join(folder, 'demo.html')
    const { code, output } = await demo('--framework', 'fastify', '--restarts', '1', '--page', page)
    expect(output).toMatch(/^requests sent +[\d,]+ +[\d,]+$/m)
    expect(output).toMatch(/^lost +\d+ +0$/m)
    expect(output).toMatch(/^restarts +1 +1$/m)
    expect(output).toContain('halfclose lost nothing.')
    expect(code).toBe(0)
    // It ends with a page of both deploys, on which requests are lost as they were counted.
    expect(output).toMatch(/lost requests in red: file:\/\/\S+demo\.html$/m)
    const [, json = ''] = /id="data">(.*?)<\/script>/s.exec(readFileSync(page, 'utf8')) ?? []
    rmSync(folder, { recursive: true })
    const records: DrainRecord[] = JSON.parse(json)
    expect(records.map(({ title }) => title)).toEqual(['fastify, as it comes', 'fastify, with halfclose'])
    for (const { lanes, marks } of records) expect([lanes.length > 10, marks.length]).toEqual([true, 1])
    expect(records[1]?.lanes.flatMap(({ lost }) => lost)).toEqual([])
    const lost = Number(/^lost +(\d+) +0$/m.exec(output)?.[1])
    // Those before it was restarted are not on it.
    expect(records[0]?.lanes.flatMap(({ lost: crosses }) => crosses).length).toBeLessThanOrEqual(lost)
  }, 60_000)

  it('does so over HTTP/2, where clients ask again only what they were told was not run', async () => {
    const { code, output } = await demo('--framework', 'fastify-h2', '--policy', 'halfclose', '--restarts', '1')
    expect(output).toMatch(/^ {2}told not run, asked again +[\d,]+$/m)
    expect(output).toMatch(/^lost +0$/m)
    expect(output).toContain('halfclose lost nothing.')
    expect(code).toBe(0)
  }, 60_000)

  it('says what is wrong with its options', async () => {
    expect(await demo('--framework', 'koa')).toEqual({
      code: 2,
      output: '\nThe demo failed: --framework must be one of express, fastify, fastify-h2, not koa\n',
    })
  })
})
