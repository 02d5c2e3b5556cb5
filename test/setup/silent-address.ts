import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

export interface SilentAddress {
  readonly port: number
  close(): Promise<void>
}

const LISTENER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

/**
 * A port of 127.0.0.1 that neither accepts nor refuses, as a machine whose packets are dropped: it is listened to by a
 * thread that accepts nobody, and the few who may wait for that are there already.
 */
export async function silentAddress(): Promise<SilentAddress> {
  const listener = new Worker(LISTENER, { eval: true })
  const [port] = (await once(listener, 'message')) as [number]
  // Two are connected by the system itself; with those it answers nobody else.
  const waiting = [1, 2].map(() => connect(port, '127.0.0.1'))
  await Promise.all(waiting.map((socket) => once(socket, 'connect')))
  return {
    port,
    async close() {
      for (const socket of waiting) socket.destroy()
      await listener.terminate()
    },
  }
}
