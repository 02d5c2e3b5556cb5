import { LIMITS } from '../core/limits.ts'
import type { Terminal } from './command.ts'

/**
 * Resolves at the first SIGINT or SIGTERM. The second one, or a shutdown that takes longer than
 * {@link LIMITS.shutdownMsMax}, ends the process at once: nothing that was acknowledged is lost by that.
 */
export function untilStopped(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) return kill()
      asked = true
      terminal.say('Stopping: finishing what is under way (again to stop at once) ...')
      setTimeout(kill, LIMITS.shutdownMsMax).unref()
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}
