/** The package has no types; this is what is used of it. */
declare module 'hpack.js' {
  import type { Duplex } from 'node:stream'

  interface Decompressor extends Duplex {
    execute(): void
    read(): { name: string; value: string } | null
  }

  export const decompressor: { create(options: { table: { maxSize: number } }): Decompressor }
}
