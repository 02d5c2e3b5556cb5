// Writes openapi.json from the routes of the compiled HTTP app.
import { existsSync } from 'node:fs'
import { writeGenerated } from './generated.mjs'

const BUILDER = '../dist/openapi.js'

export async function generateOpenApi({ check }) {
  if (!existsSync(new URL(BUILDER, import.meta.url))) {
    process.stderr.write('gen: openapi.json is left out: dist/openapi.js is not there\n')
    return true
  }
  const { buildOpenApi } = await import(BUILDER)
  return writeGenerated('openapi.json', `${JSON.stringify(await buildOpenApi(), null, 2)}\n`, check)
}
