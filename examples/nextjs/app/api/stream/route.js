import { setTimeout as sleep } from 'node:timers/promises'

export const dynamic = 'force-dynamic'

/** Ten lines, one every 200 ms. */
async function* lines() {
  for (let line = 1; line <= 10; line++) {
    yield new TextEncoder().encode(`line ${line}\n`)
    await sleep(200)
  }
}

export function GET() {
  return new Response(ReadableStream.from(lines()), { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
