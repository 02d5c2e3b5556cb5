import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'

const ENTRY = 'virtual:entry'
const CLIENT = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))

/** An app for browsers that uses the whole client. */
async function bundle(): Promise<Rolldown.OutputChunk> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? ENTRY : undefined),
        load: (id) =>
          id === ENTRY ? `import * as client from ${JSON.stringify(CLIENT)}; globalThis.client = client` : undefined,
      },
    ],
    build: { write: false, minify: true, rolldownOptions: { input: ENTRY } },
  })
  const chunks = [result].flat().flatMap((each) => ('output' in each ? each.output : []))
  expect(chunks).toHaveLength(1)
  return chunks[0] as Rolldown.OutputChunk
}

it('the client is one small bundle for browsers, without anything of Node or of the server', async () => {
  const { code, imports, dynamicImports, moduleIds } = await bundle()
  expect([...imports, ...dynamicImports]).toEqual([])
  expect(code).not.toMatch(/__vite-browser-external|node:|require\(/)
  const files = moduleIds.filter((id) => id !== ENTRY && !id.startsWith('\0'))
  const strange = files.filter((id) => !/\/src\/client\/|\/node_modules\/(openapi-fetch|eventsource-parser)\//.test(id))
  expect(strange).toEqual([])
  expect(files.length).toBeGreaterThan(5)
  const bytes = gzipSync(code).length
  console.log(`fanfold/client: ${bytes} bytes compressed`)
  expect(bytes).toBeLessThan(12 * 1024)
})
