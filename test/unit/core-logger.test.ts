import fs from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { createLogger, type Logger, silentLogger } from '../../src/core/logger.ts'

/** What a logger writes, by file descriptor. */
function writtenBy(use: (logger: Logger) => void): [number, string][] {
  const written: [number, string][] = []
  const spy = vi.spyOn(fs, 'writeSync').mockImplementation(((fd: number, text: string) => {
    written.push([fd, text])
    return Buffer.byteLength(text)
  }) as typeof fs.writeSync)
  try {
    use(createLogger('info'))
  } finally {
    spy.mockRestore()
  }
  return written
}

describe('createLogger', () => {
  it('writes JSON lines on stderr, from its level on', () => {
    const written = writtenBy((logger) => {
      logger.debug({}, 'too much')
      logger.child({ requestId: 'r1' }).info({ port: 1 }, 'listening')
    })
    expect(written).toHaveLength(1)
    const [fd, line] = written[0]!
    expect(fd).toBe(2)
    expect(line.endsWith('\n')).toBe(true)
    expect(JSON.parse(line)).toMatchObject({ requestId: 'r1', port: 1, msg: 'listening' })
    expect(JSON.parse(line).time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
  })

  it('writes no secret', () => {
    const secret = 'sk_very_secret'
    const [[, line] = [0, '']] = writtenBy((logger) =>
      logger.info(
        {
          api_key: secret,
          payment_method: secret,
          headers: { authorization: secret },
          req: { headers: { authorization: secret } },
        },
        'x',
      ),
    )
    expect(line).toContain('[Redacted]')
    expect(line).not.toContain(secret)
  })
})

describe('silentLogger', () => {
  it('does nothing, as a whole', () => {
    expect(silentLogger.child({}).info({}, 'x')).toBeUndefined()
  })
})
