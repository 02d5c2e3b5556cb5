import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { SERVER_KEY, type ServerProcess, startProcess } from './setup/process.ts'
import { copyTemplate } from './setup/template.ts'

interface Block {
  readonly kind: 'sh' | 'text'
  readonly body: string
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)].map((match) => ({
    kind: match[1] as Block['kind'],
    body: match[2]!,
  }))
}

async function bash(script: string, env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['-c', script], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

let server: ServerProcess
let template: Awaited<ReturnType<typeof copyTemplate>>
beforeAll(async () => {
  template = await copyTemplate(inject('embeddedTemplate'))
  server = await startProcess(`pglite:${template.folder}`)
})
afterAll(async () => {
  await server.stop()
  await template.remove()
})

const ROOT = fileURLToPath(new URL('..', import.meta.url))

describe('the documentation is true', () => {
  it('every link to a file of the project leads somewhere', async () => {
    const inDocs = (await readdir(join(ROOT, 'docs'), { recursive: true })).map((name) => join('docs', name))
    const pages = [
      ...inDocs.filter((name) => name.endsWith('.md')),
      'README.md',
      'CONTRIBUTING.md',
      'examples/README.md',
    ]
    const broken: string[] = []
    for (const page of pages) {
      for (const [, link = ''] of (await readFile(join(ROOT, page), 'utf8')).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (!/^[a-z]+:/.test(link) && !existsSync(join(ROOT, dirname(page), link))) broken.push(`${page}: ${link}`)
      }
    }
    expect(broken).toEqual([])
  })

  it('every command of the tutorial works and answers what stands below it', async () => {
    const blocks = blocksOf(await readFile(new URL('../docs/tutorial.md', import.meta.url), 'utf8'))
    const commands = blocks.filter((block) => block.kind === 'sh')
    expect(commands.length).toBeGreaterThan(8)
    const script = [
      'set -eo pipefail',
      ...blocks.map((block, index) => (block.kind === 'sh' ? block.body : `echo "=== ${index}"`)),
    ].join('\n')
    const { code, output } = await bash(script, { KEY: SERVER_KEY, URL: server.address })
    expect(code, output).toBe(0)
    blocks.forEach((block, index) => {
      if (block.kind === 'text') expect(output.split(`=== ${index}`)[0]).toContain(block.body)
    })
  })
})
