import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { SERVER_KEY, startProcess } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

const ROOT = new URL('../..', import.meta.url)

it('the program of docs/client.md runs as it stands, and prints what stands below each part', async () => {
  const page = await readFile(new URL('docs/client.md', ROOT), 'utf8')
  const blocksOf = (kind: string) =>
    Array.from(page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')), ([, body]) => body!)
  const program = blocksOf('js').join('\n')
  // The page imports the package by its name; a program outside of it has to say where it lies.
  const client = new URL('dist/client/index.js', ROOT).href
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-client-docs-'))
  const template = await copyTemplate(inject('embeddedTemplate'))
  const server = await startProcess(`pglite:${template.folder}`)
  try {
    const file = join(folder, 'try.mjs')
    await writeFile(file, program.replace("'fanfold/client'", JSON.stringify(client)))
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, FANFOLD_URL: server.address, FANFOLD_KEY: SERVER_KEY },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    const [code] = await once(child, 'close')
    expect(output).toBe(blocksOf('text').join(''))
    expect(code).toBe(0)
  } finally {
    await server.stop()
    await template.remove()
    await rm(folder, { recursive: true, force: true })
  }
})
