import type { Assignment, GroupMember } from './assignor.ts'

/*
 * What members tell each other through the coordinator, in the frames that Kafka's tools understand
 * (ConsumerProtocolSubscription and ConsumerProtocolAssignment, version 0), with ours as JSON in their user data.
 */

const short = (value: number) => Buffer.from([(value >> 8) & 255, value & 255])

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([short(bytes.length), bytes])
}

const VERSION = short(0)
const NO_BYTES = int(-1)

export function encodeMember(topics: readonly string[], self: Omit<GroupMember, 'id'>): Buffer {
  const userData = Buffer.from(JSON.stringify(self))
  return Buffer.concat([VERSION, int(topics.length), ...topics.map(string), int(userData.length), userData])
}

export function decodeMember(bytes: Buffer | null | undefined): Omit<GroupMember, 'id'> {
  if (bytes === null || bytes === undefined) return { owned: {}, generation: -1, isLeaving: false }
  let at = 2
  const topics = bytes.readInt32BE(at)
  at += 4
  for (let i = 0; i < topics; i++) at += 2 + bytes.readInt16BE(at)
  return JSON.parse(bytes.subarray(at + 4).toString()) as Omit<GroupMember, 'id'>
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const topics = Object.entries(assignment).map(([topic, partitions]) =>
    Buffer.concat([string(topic), int(partitions.length), ...partitions.map(int)]),
  )
  return Buffer.concat([VERSION, int(topics.length), ...topics, NO_BYTES])
}

export function decodeAssignment(bytes: Buffer): Assignment {
  const assignment: Record<string, number[]> = {}
  if (bytes.length < 6) return assignment
  let at = 2
  const next = () => {
    at += 4
    return bytes.readInt32BE(at - 4)
  }
  const topics = next()
  for (let i = 0; i < topics; i++) {
    const length = bytes.readInt16BE(at)
    const topic = bytes.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length
    assignment[topic] = Array.from({ length: next() }, next)
  }
  return assignment
}
