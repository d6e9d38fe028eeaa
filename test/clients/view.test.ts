import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { attach, type Connections } from '@halfclose/core'
import { type DrainRecord, recordDrain, renderDrain, view } from '@halfclose/core/view'
import { Chromium, type Page, type Screen } from '../support/chromium.js'
import { Client } from '../support/client.js'
import { get, postHead } from '../support/requests.js'
import { portOf, quiet } from '../support/server.js'
import { until, within } from '../support/wait.js'
import { describeWith, find } from './client.js'

const TIME = 90_000

async function listen(server: Server): Promise<Server> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

/** What each lane of the page says: its state, its words, the client's address. */
const LANES = `[...document.querySelectorAll('#out li')].map((li) => [li.dataset.state, li.querySelector('.t').textContent, li.querySelector('.r').textContent])`
/** What the page says of the states: `2 busy`. */
const COUNTS = `[...document.querySelectorAll('#key li')].map((li) => li.textContent)`

const lanesOf = async (page: Page): Promise<unknown> => page.evaluate(LANES)

describeWith(
  find('chromium', 'chromium-browser', 'google-chrome'),
  'the view, in Chromium',
  'no chromium on this machine',
  (program) => {
    let chromium: Chromium
    let connections: Connections
    let app: Server
    let shown: Server
    const clients: Client[] = []
    const pages: Page[] = []

    const open = async (server: Server, screen?: Screen): Promise<Page> => {
      const page = await chromium.open(`http://127.0.0.1:${portOf(server)}/`, screen)
      pages.push(page)
      return page
    }

    const client = async (): Promise<Client> => {
      const one = await Client.open({ port: portOf(app) })
      clients.push(one)
      return one
    }

    beforeAll(async () => {
      chromium = await Chromium.start(program)
    }, TIME)
    afterAll(() => chromium.stop(), TIME)

    beforeEach(async () => {
      app = createServer((req, res) => {
        if (req.url === '/') res.end('x')
        else if (req.url === '/large') res.end(Buffer.alloc(24e6))
      })
      app.on('upgrade', (_req, socket) => {
        socket.on('error', () => {})
        socket.on('end', () => socket.end()).resume()
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      })
      connections = attach(app, { logger: quiet, keepAlive: { timeout: 60_000 }, drain: { deadline: 60_000 } })
      await listen(app)
      shown = await listen(createServer(view(connections)))
    })
    afterEach(async () => {
      for (const one of clients.splice(0)) one.destroy()
      shown.close()
      shown.closeAllConnections()
      await within(connections.drain(), () => 'the drain')
      expect(chromium.said.splice(0)).toEqual([])
    })

    it(
      'shows the connections that exist, by state and with what each waits for, nothing of a client as markup, and follows them',
      async () => {
        const [idle, held, unread, upload, chat, silent] = [
          await client(),
          await client(),
          await client(),
          await client(),
          await client(),
          await client(),
        ]
        await idle.ask(get('/'))
        await held.send(get('/<script>document.title="taken"</script><img/src=x/onerror=document.title="taken">?secret=1'))
        unread.stream.pause()
        await unread.send(get('/large'))
        await upload.send(postHead('/upload', 1_000))
        await chat.ask(get('/chat', 'Connection: Upgrade', 'Upgrade: websocket'))
        await until('six', () => connections.list().length === 6)

        const page = await open(shown)
        await page.until(`document.querySelectorAll('#out li').length === 6 && Number(document.body.dataset.frames) > 1`)
        const listed = connections.list()
        const lanes = await lanesOf(page)
        expect(lanes).toEqual(listed.map(({ state, remote }) => [state, expect.any(String), remote]))
        expect(listed.map(({ remote }) => Number(remote.split(':')[1])).sort()).toEqual(
          [idle, held, unread, upload, chat, silent].map(({ raw }) => raw.localPort).sort(),
        )
        const words = JSON.stringify(lanes)
        for (const said of [
          'the handler',
          'the client does not read: ',
          'the client does not send its body',
          'GET /chat: websocket',
          'sent nothing yet',
          'promised for',
        ])
          expect(words).toContain(said)
        expect(words).toContain('GET /<script>document.title=')
        expect(words).not.toContain('secret')
        expect(await page.evaluate('[document.title, document.images.length, document.scripts.length]')).toEqual([
          'halfclose',
          0,
          1,
        ])
        expect(await page.evaluate(COUNTS)).toEqual([
          '3 busy',
          '0 closing',
          '1 upgraded',
          '0 lingering',
          '1 silent',
          '1 idle',
          'ended',
        ])
        expect(await page.evaluate(`document.querySelector('#state').textContent`)).toBe('serving')

        silent.destroy()
        await page.until(`document.querySelectorAll('#out li[data-state=silent]').length === 0`)
        void connections.drain({ reason: 'SIGTERM' })
        await page.until(`document.querySelector('#state').textContent === 'draining'`)
        expect(await page.evaluate(`document.querySelector('.mark').textContent`)).toMatch(/^SIGTERM/)
        expect(await page.evaluate(`document.querySelector('#left').textContent`)).toMatch(/^\d+ s left$/)
        expect(await page.evaluate(`document.querySelector('#out li').dataset.state`)).toMatch(/^(busy|closing)$/)
        for (const one of clients) one.destroy()
        await page.until(
          `document.querySelector('#state').textContent === 'drained' || document.querySelector('#state').textContent === 'the process has ended'`,
        )
      },
      TIME,
    )

    it(
      'at most 200 lanes, those with a request on top, and says how many more there are',
      async () => {
        for (let i = 0; i < 230; i++) await client()
        const held = await client()
        await held.send(get('/held'))
        await until('all', () => connections.list().length === 231 && connections.list({ state: 'busy' }).length === 1)
        const page = await open(shown)
        await page.until(`document.querySelectorAll('#out li').length === 200`)
        expect(await page.evaluate(`document.querySelector('#out li .r').textContent`)).toBe(`127.0.0.1:${held.raw.localPort}`)
        expect(await page.evaluate(COUNTS)).toEqual([
          '1 busy',
          '0 closing',
          '0 upgraded',
          '0 lingering',
          '230 silent',
          '0 idle',
          'ended',
        ])
        expect(await page.evaluate(`[...document.querySelectorAll('.sum')].at(-1).textContent`)).toBe('and 31 more connections')
      },
      TIME,
    )

    it(
      'keys go from lane to lane, which are one stop for Tab, and open what a lane has to say',
      async () => {
        for (let i = 0; i < 3; i++) await client()
        const page = await open(shown)
        await page.until(`document.querySelectorAll('#out li').length === 3`)
        const at = `[...document.querySelectorAll('summary')].indexOf(document.activeElement)`
        await page.press('Tab')
        const visited = [await page.evaluate(at)]
        for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'Home']) {
          await page.press(key)
          visited.push(await page.evaluate(at))
        }
        expect(visited).toEqual([0, 1, 2, 1, 2, 0])
        expect(await page.evaluate(`document.querySelectorAll('[tabindex="0"]').length`)).toBe(1)
        // A frame later it is where it was.
        await page.until(`Number(document.body.dataset.frames) > 2`)
        expect(await page.evaluate(at)).toBe(0)
        expect(await page.evaluate(`document.querySelector('.b').getAttribute('aria-label')`)).toMatch(/^silent [\d.]+ s$/)
      },
      TIME,
    )

    it.each([
      [320, false],
      [320, true],
      [1_400, false],
      [1_400, true],
    ])(
      'on a screen of %d px, dark: %s, nothing is wider than it, and what is written can be read',
      async (width, dark) => {
        const held = await client()
        await held.send(get(`/${'long'.repeat(200)}`))
        const page = await open(shown, { width, dark })
        await page.until(`document.querySelectorAll('#out li[data-state=busy]').length === 1`)
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        // The contrast of WCAG: 4.5 for text, 3 for what is drawn.
        const contrast = await page.evaluate(`(() => {
        const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).map((c) => { c /= 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b }
        const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05) }
        const style = (what) => getComputedStyle(document.querySelector(what)), back = getComputedStyle(document.body).backgroundColor
        return { text: ratio(getComputedStyle(document.body).color, back), dim: ratio(style('.r').color, back), bar: ratio(style('.b .busy').backgroundColor, back) }
      })()`)
        const { text, dim, bar } = Object(contrast)
        expect([text >= 7, dim >= 4.5, bar >= 3]).toEqual([true, true, true])
      },
      TIME,
    )

    it(
      'a record of a drain is the same page as a file: what was cut is marked as lost, in red and with a cross; several stand one above the other',
      async () => {
        const server = await listen(createServer((req, res) => void (req.url === '/' && res.end('x'))))
        const governed = attach(server, { logger: quiet, keepAlive: { timeout: 1_000 }, drain: { deadline: 2_000 } })
        const recorded = recordDrain(governed, { title: 'One </script><script>document.title="taken"</script>' })
        const [held, idle] = [await Client.open({ port: portOf(server) }), await Client.open({ port: portOf(server) })]
        const ports = [held, idle].map(({ raw }) => raw.localPort)
        await idle.ask(get('/'))
        await held.send(get('/held'))
        await until('both', () => governed.list({ state: 'busy' }).length === 1)
        await within(governed.drain({ reason: 'SIGTERM' }), () => 'the drain')
        const record: DrainRecord = JSON.parse(JSON.stringify(await within(recorded, () => 'the record')))
        const file = await listen(
          createServer((_req, res) =>
            res.setHeader('Content-Type', 'text/html').end(renderDrain([record, { ...record, title: 'Two' }])),
          ),
        )
        const page = await open(file)
        await page.until(`document.querySelectorAll('#out li').length === 4`)
        expect(await page.evaluate(`[...document.querySelectorAll('h2')].map((h) => h.textContent)`)).toEqual([
          record.title,
          'Two',
        ])
        expect(await page.evaluate('[document.title, document.scripts.length]')).toEqual([`${record.title} – Two`, 2])
        expect(
          await page.evaluate(
            `[...document.querySelectorAll('section:first-child li')].map((li) => [li.className, li.querySelector('.r').textContent])`,
          ),
        ).toEqual([
          ['lost', `127.0.0.1:${ports[0]}`],
          ['', `127.0.0.1:${ports[1]}`],
        ])
        expect(await page.evaluate(`document.querySelectorAll('section:first-child .x').length`)).toBe(1)
        expect(await page.evaluate(`document.querySelector('.mark').textContent`)).toMatch(/^SIGTERM/)
        for (const one of [held, idle]) one.destroy()
        file.close()
        file.closeAllConnections()
      },
      TIME,
    )
  },
)
