/** Defined by scripts/bundle.mjs. */
declare const PACKAGE_VERSION: string | undefined

/** The version in package.json; sources that were not built have none. */
export const version: string = typeof PACKAGE_VERSION === 'string' ? PACKAGE_VERSION : 'unreleased'
