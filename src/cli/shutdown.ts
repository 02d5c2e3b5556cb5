import { LIMITS } from '../core/limits.ts'
import type { Terminal } from './command.ts'

/** Ctrl-C under `npm start` arrives twice: from the terminal, and passed on by npm. Both are one wish. */
const SAME_WISH_MS = 500

let lastResort: NodeJS.Timeout | undefined

/**
 * Resolves at the first SIGINT or SIGTERM. The second one, or a shutdown that takes longer than
 * {@link LIMITS.shutdownMsMax}, ends the process at once: nothing that was acknowledged is lost by that.
 */
export function untilStopped(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    let askedAtMs: number | undefined
    const stop = () => {
      if (askedAtMs !== undefined) return Date.now() - askedAtMs > SAME_WISH_MS ? kill() : undefined
      askedAtMs = Date.now()
      terminal.say('Stopping: finishing what is under way (again to stop at once) ...')
      lastResort = setTimeout(kill, LIMITS.shutdownMsMax).unref()
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}

/** A command has ended and closed what it opened: so does its process, also when a driver has left something open. */
export function endWith(code: number): void {
  process.exitCode = code
  clearTimeout(lastResort)
  setTimeout(() => process.stdout.write('', () => process.exit()), LIMITS.leftOpenMsMax).unref()
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}
