import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as simulation from '../../simulation/run.ts'
import { MUTANTS, type Mutant } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STEPS = 60
/** Each fault is found far sooner; see docs/simulation.md. */
const SEEDS = 3_000

/** Changes the source of one module while it is built. */
function mutating({ module, find, replace }: Mutant): Plugin & { readonly times: () => number } {
  let times = 0
  return {
    name: 'mutant',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith(`/src/${module}`)) return null
      times = code.split(find).length - 1
      return code.replace(find, () => replace)
    },
    times: () => times,
  }
}

describe('the simulation', () => {
  let folder = ''
  beforeAll(async () => {
    // Inside the project, where the packages are found.
    const cache = join(ROOT, '.cache')
    await mkdir(cache, { recursive: true })
    folder = await mkdtemp(join(cache, 'mutants-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function buildMutant(mutant: Mutant, index: number): Promise<typeof simulation> {
    const outDir = join(folder, String(index))
    const plugin = mutating(mutant)
    const output = { entryFileNames: 'run.mjs' }
    const ssr = join(ROOT, 'simulation/run.ts')
    await build({
      ...{ configFile: false, root: ROOT, logLevel: 'error', plugins: [plugin] },
      build: { ssr, outDir, rollupOptions: { output } },
    })
    expect(plugin.times(), `places of the fault in src/${mutant.module}`).toBe(1)
    return (await import(pathToFileURL(join(outDir, 'run.mjs')).href)) as typeof simulation
  }

  for (const [index, mutant] of MUTANTS.entries()) {
    it(`finds out when ${mutant.name}`, { timeout: 600_000 }, async () => {
      const { run } = await buildMutant(mutant, index)
      let seed = 0
      let rule: string | undefined
      while (rule === undefined && seed < SEEDS) {
        seed += 1
        rule = (await run(seed, STEPS, false)).violation?.rule
      }
      expect(rule, `no rule was broken in ${SEEDS} seeds`).toBeDefined()
    })
  }
})
