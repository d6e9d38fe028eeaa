export * from '../../packages/probe/dist/types/wire/index.js'
