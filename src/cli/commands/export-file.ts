import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, messageOf } from '../../core/errors.ts'

/**
 * Writes an export as it comes, at the pace of the disk: to a file, with `mode` if it is new, or without a path to standard
 * output. Throws `invalid_input` when the file can not be opened.
 */
export async function writeExport(
  path: string | undefined,
  pieces: AsyncIterable<string> | readonly string[],
  { mode }: { readonly mode?: number } = {},
): Promise<void> {
  const source = Readable.from(pieces)
  if (path === undefined) return pipeline(source, process.stdout, { end: false })
  const file = await open(path, 'w', mode).catch((cause: unknown) => {
    throw new AppError('invalid_input', `${path} can't be written: ${messageOf(cause)}`, { cause })
  })
  await pipeline(source, file.createWriteStream())
}
