import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'

/** A file, or any source of lines without their ends. */
export type LineSource = string | AsyncIterable<string> | Iterable<string>

/** How far an import has come: in bytes of a file, else in lines without a known total. */
export type OnImportProgress = (done: number, total: number | undefined) => void

export interface BadLine {
  /** From 1. */
  readonly line: number
  readonly reason: string
}

/** Of very many bad lines the first so many are listed; all are counted. */
const BAD_LINES_LISTED = 1_000

export interface BadLines {
  readonly count: number
  readonly listed: BadLine[]
  add(line: number, reason: string): void
}

export function createBadLines(): BadLines {
  const listed: BadLine[] = []
  let count = 0
  return {
    get count() {
      return count
    },
    listed,
    add(line, reason) {
      count += 1
      if (listed.length < BAD_LINES_LISTED) listed.push({ line, reason })
    },
  }
}

export interface NumberedLine {
  readonly number: number
  readonly text: string
}

/** Batches of numbered lines; progress is told after each batch has been worked off. */
export async function* lineBatches(
  source: LineSource,
  size: number,
  onProgress: OnImportProgress = () => undefined,
): AsyncGenerator<NumberedLine[]> {
  const { lines, progress } = await openLines(source)
  let batch: NumberedLine[] = []
  let number = 0
  for await (const text of lines) {
    number += 1
    batch.push({ number, text })
    if (batch.length < size) continue
    yield batch
    batch = []
    onProgress(...progress(number))
  }
  if (batch.length > 0) yield batch
  onProgress(...progress(number))
}

interface OpenLines {
  readonly lines: AsyncIterable<string> | Iterable<string>
  progress(number: number): [done: number, total: number | undefined]
}

async function openLines(source: LineSource): Promise<OpenLines> {
  if (typeof source !== 'string') {
    return { lines: source, progress: (number) => [number, undefined] }
  }
  const { size } = await stat(source)
  const stream = createReadStream(source)
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  return { lines, progress: () => [stream.bytesRead, size] }
}
