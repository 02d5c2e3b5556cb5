import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * npm hands its arguments to the end of the line and signals to the shell, which must therefore become the program. cmd.exe
 * has no `exec`: it reads the line as `set sh;exec env cmd=\` and, behind the `&`, the program.
 */
it.runIf(process.platform !== 'win32')('npm start passes arguments on, and the shell becomes the program', async () => {
  const { scripts } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8')) as { scripts: { start: string } }
  expect(scripts.start.split('&').at(-1)).toBe(' node dist/cli/main.js serve')
  const line = scripts.start.replace('dist/cli/main.js', '-p "process.pid + process.argv.slice(1).join()"')
  const child = spawn('sh', ['-c', `${line} '--port' '3000'`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(child, 'close')
  expect(output).toBe(`${child.pid}serve,--port,3000\n`)
})
