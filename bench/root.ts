import { fileURLToPath } from 'node:url'

/** The folder of the package; this file runs from `dist-tools/bench`. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
