// Compiles the numbered .sql files of each SQL engine into a module, so that the package needs no files at run time.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeGenerated } from './generated.mjs'

const ENGINES = ['postgres', 'mysql']

export function generateMigrations({ check }) {
  return ENGINES.map((engine) => {
    const folder = `src/engines/${engine}/migrations`
    const steps = readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .sort()
      .map((file) => {
        const match = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file)
        if (match === null) throw new Error(`${folder}/${file}: a migration is named NNNN_what_it_does.sql`)
        const sql = readFileSync(join(folder, file), 'utf8')
          .replaceAll('\\', '\\\\')
          .replaceAll('`', '\\`')
          .replaceAll('${', '\\${')
        return `  { version: ${Number(match[1])}, name: '${match[2]}', sql: \`${sql}\` },`
      })
    const text = `// Generated from migrations/*.sql by "npm run gen"; do not edit.
import type { Migration } from '../sql/migrate.ts'

export const MIGRATIONS: readonly Migration[] = [
${steps.join('\n')}
]
`
    return writeGenerated(`src/engines/${engine}/migrations.generated.ts`, text, check)
  })
}
