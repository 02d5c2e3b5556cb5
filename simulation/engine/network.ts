import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** How often what goes wrong, from 0 to 1, on each call. A seed has its own, so that some worlds are calm and some are not. */
export interface FaultRates {
  /** The transaction lost a race and did nothing. */
  conflict: number
  /** Nobody could be reached, nothing was sent. */
  unreachable: number
  /** The connection broke before the request arrived. */
  lostRequest: number
  /** It was carried out, and the connection broke before the answer. */
  lostAnswer: number
  /** The connection broke, and only after that it is carried out. */
  lateEffect: number
  /** The answer takes very long. */
  slow: number
}

export const FAULT_NAMES = ['conflict', 'unreachable', 'lostRequest', 'lostAnswer', 'lateEffect', 'slow'] as const
export type Fault = (typeof FAULT_NAMES)[number]
type Fate = Fault | 'done'

export const NO_FAULTS: FaultRates = {
  ...{ conflict: 0, unreachable: 0, lostRequest: 0, lostAnswer: 0, lateEffect: 0, slow: 0 },
}

/** One end of calls that can be cut: what it waits for never comes, what it has sent may still be carried out. */
export interface Caller {
  readonly name: string
  isAlive: boolean
}

export interface Host {
  readonly name: string
  /** Milliseconds of each way, at least and at most. */
  readonly latencyMs: readonly [min: number, max: number]
  /** Milliseconds of a slow answer, or after which what comes late is carried out. */
  readonly lateMs: readonly [min: number, max: number]
  readonly rates: FaultRates
  /** The error that the caller sees. */
  readonly error: (fault: Exclude<Fault, 'slow'>) => Error
}

export interface Network {
  /** Carries `effect` out at the host, all of it at one moment, if the network lets it. */
  call<T>(caller: Caller, host: Host, what: string, effect: () => T | Promise<T>): Promise<T>
  /** Ends all faults, for good. */
  heal(): void
}

/** SQLSTATEs and codes of the operating system, as drivers report them. */
const CODES = { conflict: '40001', unreachable: 'ECONNREFUSED' } as const

/** Marks an error as one that the simulation made, not the program. */
export const INJECTED = Symbol('injected')

export function databaseError(fault: Exclude<Fault, 'slow'>): Error {
  const code = fault === 'conflict' || fault === 'unreachable' ? CODES[fault] : 'ECONNRESET'
  return Object.assign(new Error(`simulated ${fault}`), { code, [INJECTED]: true })
}

export const isInjected = (error: unknown): boolean => error instanceof Error && INJECTED in error

export function createNetwork(deps: {
  readonly timeline: Timeline
  readonly random: Random
  readonly trace: (line: () => string) => void
}): Network {
  const { timeline, random, trace } = deps
  let isHealed = false

  function fateOf({ rates }: Host): Fate {
    let chance = random.next()
    for (const fault of FAULT_NAMES) {
      if (chance < rates[fault]) return isHealed ? 'done' : fault
      chance -= rates[fault]
    }
    return 'done'
  }

  return {
    heal() {
      isHealed = true
    },
    call<T>(caller: Caller, host: Host, what: string, effect: () => T | Promise<T>): Promise<T> {
      if (!caller.isAlive) return new Promise<never>(() => undefined)
      const fate = fateOf(host)
      const thereMs = random.between(...host.latencyMs)
      const backMs = random.between(...host.latencyMs)
      const lateMs = fate === 'slow' || fate === 'lateEffect' ? random.between(...host.lateMs) : 0
      const isSent = fate !== 'conflict' && fate !== 'unreachable' && fate !== 'lostRequest'
      const outlivesCaller = random.chance(0.5)
      return new Promise<T>((resolve, reject) => {
        const answer = (ms: number, deliver: () => void) => {
          timeline.after(ms, () => {
            if (caller.isAlive) deliver()
          })
        }
        const carryOut = async (): Promise<void> => {
          if (!caller.isAlive && !outlivesCaller) return
          trace(() => `${caller.name}${caller.isAlive ? '' : ' (dead)'} ${host.name}.${what} is carried out (${fate})`)
          try {
            const value = await effect()
            if (fate === 'lostAnswer') answer(backMs, () => reject(host.error(fate)))
            else if (fate !== 'lateEffect') answer(backMs + lateMs, () => resolve(value))
          } catch (error) {
            if (fate === 'lostAnswer') answer(backMs, () => reject(host.error(fate)))
            else if (fate !== 'lateEffect') answer(backMs + lateMs, () => reject(error))
          }
        }
        if (isSent) timeline.after(thereMs + (fate === 'lateEffect' ? lateMs : 0), () => void carryOut())
        if (fate === 'done' || fate === 'slow' || fate === 'lostAnswer') return
        trace(() => `${caller.name} ${host.name}.${what} fails (${fate})`)
        answer(thereMs + backMs, () => reject(host.error(fate)))
      })
    },
  }
}
