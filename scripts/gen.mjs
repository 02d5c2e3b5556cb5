// Writes every generated file; with --check only tells which are out of date, and exits 1 then.
// It reads the compiled program, so it runs after a build: npm run gen [-- --check]

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generateClient } from './gen-client.mjs'
import { generateEvents } from './gen-events.mjs'
import { generateMigrations } from './gen-migrations.mjs'
import { generateOpenApi } from './gen-openapi.mjs'
import { generateReference } from './gen-reference.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const USAGE = `Usage: npm run gen [-- --check]

Writes the generated files: the migrations of each SQL engine as a module, docs/reference/errors.md, configuration.md
and limits.md, docs/reference/fanfold.events.v1.schema.json, openapi.json, and the types of fanfold/client made of it. With
--check it writes nothing and exits 1 when one of them is out of date.
`

async function main(args) {
  if (args.includes('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const unknown = args.filter((arg) => arg !== '--check')
  if (unknown.length > 0) {
    process.stderr.write(`gen: unknown option ${unknown.join(' ')}\n${USAGE}`)
    return 2
  }
  if (!existsSync('dist/core/errors.js')) {
    process.stderr.write('gen: dist/ is missing; run: npm run build\n')
    return 1
  }
  const check = args.includes('--check')
  const fresh = [
    ...generateMigrations({ check }),
    ...(await generateReference({ check })),
    await generateOpenApi({ check }),
    ...(await generateClient({ check })),
    await generateEvents({ check }),
  ]
  return check && fresh.includes(false) ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
