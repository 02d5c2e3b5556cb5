import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../src/core/errors.ts'
import { outputOf } from './postgres.ts'
import { ROOT } from './root.ts'

export type Peer = { readonly folder: string } | { readonly missing: string }

/**
 * A peer in `bench/peers/<name>`, installed from its lock file when it is absent. `missing` says why it can't be had;
 * the benchmark goes on without it.
 */
export async function peer(name: string, say: (text: string) => void): Promise<Peer> {
  const folder = join(ROOT, 'bench/peers', name)
  if (existsSync(join(folder, 'node_modules'))) return { folder }
  say(`installing the peer ${name}`)
  try {
    await outputOf('npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'])
    return { folder }
  } catch (error) {
    const lines = messageOf(error).split('\n')
    const reason = lines
      .filter((line) => line.startsWith('npm error'))
      .map((line) => line.slice('npm error'.length).trim())
    return { missing: (reason.length > 0 ? reason : lines).slice(0, 3).join(' ') }
  }
}
