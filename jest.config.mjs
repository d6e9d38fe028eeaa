/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/test/**/*.test.ts', '<rootDir>/examples/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '<rootDir>/test/consumers/'],
  modulePathIgnorePatterns: [
    '<rootDir>/packages/[^/]+/dist/',
    '<rootDir>/test/consumers/',
    '<rootDir>/.pack/',
    '<rootDir>/examples/nextjs/.next/',
  ],
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  testTimeout: 60_000,
  // For two cores. Nearly all tests wait most of the time; what fails because too much happened at once is played again (environment.mjs).
  maxWorkers: 7,
  maxConcurrency: 24,
  transform: {
    '\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'commonjs' },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      },
    ],
  },
  // Fastify's inject() loads cookie 2, which is ESM only.
  transformIgnorePatterns: ['/node_modules/(?!(?:\\.pnpm/cookie@2|cookie/dist/))'],
  moduleNameMapper: {
    '^@halfclose/core/(adapter|cluster|metrics|view)$': '<rootDir>/packages/core/src/$1/index.ts',
    '^@halfclose/(core|fastify|express)$': '<rootDir>/packages/$1/src/index.ts',
    '^halfclose-probe$': '<rootDir>/packages/probe/src/index.ts',
    '^halfclose-probe/wire$': '<rootDir>/packages/probe/src/wire/index.ts',
    // Sources import './x.js', as nodenext wants it, and mean ./x.ts. Where both exist (in node_modules) the first of the extensions wins.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  moduleFileExtensions: ['js', 'ts', 'mjs', 'cjs', 'json', 'node'],
  coverageProvider: 'v8',
  coverageDirectory: 'coverage',
  coverageReporters: ['text-summary', 'lcov'],
  collectCoverageFrom: ['packages/*/src/**/*.ts'],
}
