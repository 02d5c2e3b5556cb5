import type { Progress, Terminal } from './command.ts'

const BAR_WIDTH = 28
const REDRAW_MS = 100
const PLAIN_MS = 5_000

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function seconds(ms: number): string {
  const total = Math.round(ms / 1_000)
  return total < 60 ? `${total}s` : `${Math.floor(total / 60)}m${String(total % 60).padStart(2, '0')}s`
}

/** The terminal of this process. `NO_COLOR` needs no care: nothing here is coloured. */
export function createTerminal(stdout = process.stdout, stderr = process.stderr): Terminal {
  return {
    out: (text) => void stdout.write(`${text}\n`),
    say: (text) => void stderr.write(`${text}\n`),
    progress: (label, total) => createProgress(stderr, label, total),
  }
}

function createProgress(stream: NodeJS.WriteStream, label: string, firstTotal: number | undefined): Progress {
  const startedAt = Date.now()
  let total = firstTotal
  let done = 0
  let drawnAt = 0

  function line(): string {
    const ms = Date.now() - startedAt
    const rate = ms > 0 ? `${count(Math.round((done * 1_000) / ms))}/s` : ''
    if (total === undefined || total === 0) return `${label}  ${count(done)}  ${rate}  ${seconds(ms)}`
    const share = Math.min(1, done / total)
    const filled = Math.round(share * BAR_WIDTH)
    const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled)
    const left = done > 0 && share < 1 ? `  ${seconds((ms / done) * (total - done))} left` : `  ${seconds(ms)}`
    return `${label}  [${bar}] ${String(Math.floor(share * 100)).padStart(3)}%  ${count(done)} of ${count(total)}  ${rate}${left}`
  }

  function draw(last: boolean): void {
    const now = Date.now()
    if (!last && now - drawnAt < (stream.isTTY ? REDRAW_MS : PLAIN_MS)) return
    drawnAt = now
    if (stream.isTTY) stream.write(`\r\x1b[2K${line()}${last ? '\n' : ''}`)
    else stream.write(`${line()}\n`)
  }

  return {
    update(newDone, newTotal) {
      done = newDone
      total = newTotal ?? total
      draw(false)
    },
    end: () => draw(true),
  }
}
