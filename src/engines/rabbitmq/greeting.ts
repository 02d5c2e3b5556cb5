import { connect, type Socket } from 'node:net'
import { connect as connectSafely } from 'node:tls'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { RabbitTarget } from './target.ts'

/** The header of AMQP 0-9-1; a server of it answers with a frame that names its product and version. */
const HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1')
const GREETING_BYTES_MAX = 64 * 1024
const FRAME_HEAD_BYTES = 7

export interface Greeting {
  readonly product: string
  readonly version: string
}

export interface Greeted extends Greeting {
  /** Who told it. */
  readonly host: RabbitTarget['hosts'][number]
}

/**
 * Asks a broker for its product and version, which it tells before anybody logs in and which the driver passes over.
 * Asks the hosts in turn until one answers. Throws `engine_unreachable`, saying why.
 */
export async function greetingOf(target: RabbitTarget): Promise<Greeted> {
  const problems: string[] = []
  for (const at of target.hosts) {
    const { host, port } = at
    try {
      return { ...parse(await firstFrame(target.isSafe, host, port)), host: at }
    } catch (error) {
      problems.push(`${host}:${port} ${reasonOf(error)}`)
    }
  }
  throw new AppError('engine_unreachable', `RabbitMQ (${target.shown}): ${problems.join('; ')}`)
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message: string }
  if (code === 'ECONNREFUSED') return 'refuses connections: is the broker started, and is this its port?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'is not a known host: check the name'
  if (code === 'ETIMEDOUT') return 'does not answer in time: check the host, the port and firewalls between'
  return `could not be asked: ${message}`
}

function firstFrame(isSafe: boolean, host: string, port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const open = () => void socket.write(HEADER)
    const socket: Socket = isSafe
      ? connectSafely({ host, port, servername: host }, open)
      : connect({ host, port }, open)
    let received = Buffer.alloc(0)
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
      LIMITS.rabbitmqCallMsMax,
    )
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const isWhole =
        received.length >= FRAME_HEAD_BYTES && received.length > FRAME_HEAD_BYTES + received.readUInt32BE(3)
      if (!isWhole && received.length < GREETING_BYTES_MAX) return
      resolve(received)
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new Error('it closed the connection, so it may not be RabbitMQ, or not at this port'))
    })
  })
}

/** Fields of the frame Connection.Start: a name with its length before it, `S`, and a text with its length before it. */
function parse(frame: Buffer): Greeting {
  const field = (name: string): string | undefined => {
    const head = Buffer.from(`${String.fromCharCode(name.length)}${name}S`, 'latin1')
    const at = frame.indexOf(head)
    if (at < 0 || at + head.length + 4 > frame.length) return undefined
    const from = at + head.length + 4
    return frame.toString('utf8', from, from + frame.readUInt32BE(from - 4))
  }
  const [product, version] = [field('product'), field('version')]
  if (product === undefined || version === undefined) throw new Error('what answers there does not speak AMQP 0-9-1')
  return { product, version }
}
