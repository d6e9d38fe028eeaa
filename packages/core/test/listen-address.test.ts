import { expect, test } from '@jest/globals'
import { listenAddress } from '../src/events/listen-address.js'

test.each([
  [{ address: '127.0.0.1', family: 'IPv4', port: 3000 }, '127.0.0.1:3000'],
  [{ address: '::', family: 'IPv6', port: 3000 }, '[::]:3000'],
  ['/run/app.sock', '/run/app.sock'],
  [null, 'nothing'],
])('%j is %s', (address, text) => {
  expect(listenAddress(address)).toBe(text)
})
