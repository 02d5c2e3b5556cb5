// Builds dist/ (and with --tools the benchmarks and the simulation) when something changed since the last build.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { generateMigrations } from './gen-migrations.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version)
  const visit = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name)
      if (entry.isDirectory()) visit(child)
      else hash.update(child).update(readFileSync(child))
    }
  }
  for (const path of paths) {
    if (path.includes('.')) hash.update(path).update(readFileSync(path))
    else visit(path)
  }
  return hash.digest('hex')
}

function compile(project, outDir, sources) {
  const stamp = `${outDir}/.fingerprint`
  const now = fingerprint(sources)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  // Built aside and swapped in, so that a program started meanwhile finds the old build or the new one, never none.
  const draft = `${outDir}.${process.pid}`
  const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project, '--outDir', draft], {
    stdio: 'inherit',
  })
  if (tsc.status !== 0) {
    rmSync(draft, { recursive: true, force: true })
    process.stderr.write('The build failed; the errors stand above.\n')
    process.exitCode = 1
    return
  }
  writeFileSync(`${draft}/.fingerprint`, now)
  swapIn(draft, outDir)
}

function swapIn(draft, outDir) {
  const old = `${draft}.old`
  if (existsSync(outDir)) renameSync(outDir, old)
  renameSync(draft, outDir)
  rmSync(old, { recursive: true, force: true })
}

/** The console, with its files compressed for good, so that no request has to. */
async function buildConsole() {
  const outDir = 'dist-console'
  const stamp = `${outDir}/.fingerprint`
  const now = fingerprint(['console', 'src/client', 'src/core', 'src/http/scopes.ts', 'package-lock.json'])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  const draft = `${outDir}.${process.pid}`
  const { build } = await import('vite')
  try {
    await build({ configFile: 'console/vite.config.ts', logLevel: 'warn', build: { outDir: join(root, draft) } })
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    process.stderr.write(`The console could not be built: ${error.message}\n`)
    process.exitCode = 1
    return
  }
  for (const entry of readdirSync(draft, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const content = readFileSync(path)
    writeFileSync(`${path}.br`, brotliCompressSync(content))
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  }
  writeFileSync(`${draft}/.fingerprint`, now)
  swapIn(draft, outDir)
}

generateMigrations({ check: false })
compile('tsconfig.build.json', 'dist', ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'])
await buildConsole()
if (process.argv.includes('--tools')) {
  compile('tsconfig.tools.json', 'dist-tools', [
    'src',
    'bench',
    'simulation',
    'tsconfig.json',
    'tsconfig.tools.json',
    'package-lock.json',
  ])
}
