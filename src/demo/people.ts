import type { Random } from './random.ts'
import type { WorldSize } from './size.ts'
import { FIRST_NAMES, NAME_ENDS, NAME_MIDDLES, NAME_STARTS, OTHER_FIRST_NAMES } from './words.ts'

const DAY_MS = 86_400_000

export interface Person {
  readonly userId: string
  readonly handle: string
  readonly name: string
  /** Milliseconds before now. */
  readonly joinedAgoMs: number
}

export interface Relation {
  readonly userId: string
  readonly otherId: string
}

export interface People {
  /** The first are those whom most people follow. */
  readonly persons: readonly Person[]
  /** Who follows whom: `userId` follows `otherId`. */
  readonly follows: readonly Relation[]
  readonly blocks: readonly Relation[]
  readonly mutes: readonly Relation[]
}

/** How much likelier the first are to be followed. */
const FAME = 2.6
/** Share of everybody who follows the first of all, and the second. */
const STARS = [0.6, 0.4]
const OTHER_LETTERS = 0.08

function personOf(number: number, random: Random): Person {
  const [first, plain] = random.chance(OTHER_LETTERS)
    ? random.pick(OTHER_FIRST_NAMES)
    : [random.pick(FIRST_NAMES), undefined]
  const last = `${random.pick([...NAME_STARTS, ...NAME_MIDDLES])}${random.pick(NAME_ENDS)}`
  const short = `${(plain ?? first).toLowerCase()}_${last.toLowerCase()}`.slice(0, 22)
  const joinedAgoMs = random.int(35, 400) * DAY_MS + random.int(0, DAY_MS)
  const handle = `${short}_${number}`
  return { userId: handle, handle, name: `${first} ${last}`, joinedAgoMs }
}

function pairs(count: number, persons: readonly Person[], random: Random): Relation[] {
  const found = new Map<string, Relation>()
  for (let i = 0; i < count; i++) {
    const [userId, otherId] = [random.pick(persons).userId, random.pick(persons).userId]
    if (userId !== otherId) found.set(`${userId} ${otherId}`, { userId, otherId })
  }
  return [...found.values()]
}

/** People and whom they follow, by a power law: a few are followed by very many. */
export function makePeople(size: WorldSize, random: Random): People {
  const persons = Array.from({ length: size.users }, (_, index) => personOf(index + 1, random))
  const follows = new Map<string, Relation>()
  const add = (userId: string, otherId: string) => {
    if (userId !== otherId) follows.set(`${userId} ${otherId}`, { userId, otherId })
  }
  STARS.forEach((share, star) => {
    for (const { userId } of persons) if (random.chance(share)) add(userId, persons[star]!.userId)
  })
  // Each also follows somebody at least, so that nobody's timeline is empty.
  for (const { userId } of persons) add(userId, persons[random.rank(size.users, FAME)]!.userId)
  for (let tries = 0; follows.size < size.follows && tries < size.follows * 10; tries++) {
    add(persons[random.rank(size.users, 1.3)]!.userId, persons[random.rank(size.users, FAME)]!.userId)
  }
  return {
    persons,
    follows: [...follows.values()],
    blocks: pairs(Math.ceil(size.users / 50), persons, random.fork('blocks')),
    mutes: pairs(Math.ceil(size.users / 25), persons, random.fork('mutes')),
  }
}
