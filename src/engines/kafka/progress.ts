/** What is committed beside the offset: which messages behind it are done already, and how its holders ended. */
export interface Progress {
  /** The first message that is not done. */
  readonly offset: number
  /** Messages behind it that are done. */
  readonly done: readonly number[]
  /** Holders that ended without giving the partition back, since the offset last moved. */
  readonly crashes: number
  /** A holder works on it, or ended without giving it back. */
  readonly isHeld: boolean
}

const VERSION = '1'

/** As short text: Kafka keeps 4,096 bytes beside an offset. One bit for each message behind it. */
export function encodeProgress({ offset, done, crashes, isHeld }: Progress): string {
  const last = done.reduce((most, each) => Math.max(most, each), offset)
  const bits = Buffer.alloc(Math.ceil((last - offset) / 8))
  for (const each of done) {
    const bit = each - offset - 1
    bits[bit >> 3]! |= 1 << (bit & 7)
  }
  return [VERSION, isHeld ? 1 : 0, crashes, bits.toString('base64')].join(' ')
}

/** Text of another program, or of none, says that nothing is known. */
export function decodeProgress(offset: number, metadata: string): Progress {
  const [version, isHeld, crashes, bits = ''] = metadata.split(' ')
  if (version !== VERSION) return { offset, done: [], crashes: 0, isHeld: false }
  const done: number[] = []
  Buffer.from(bits, 'base64').forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) done.push(offset + 1 + 8 * i + bit)
  })
  return { offset, done, crashes: Number(crashes), isHeld: isHeld === '1' }
}
