import { readFile } from 'node:fs/promises'
import { AppError, messageOf } from './errors.ts'

/**
 * How the columns of a file map to fields: one that is built in, by its name, or the one in a JSON file, checked by `check`.
 * Throws `invalid_input`.
 */
export async function loadMapping<Mapping>(
  nameOrFile: string,
  builtIn: Readonly<Record<string, Mapping>>,
  check: (content: unknown) => Mapping,
): Promise<Mapping> {
  const known = Object.hasOwn(builtIn, nameOrFile) ? builtIn[nameOrFile] : undefined
  if (known !== undefined) return known
  if (!nameOrFile.endsWith('.json')) {
    const names = Object.keys(builtIn).join(', ')
    throw new AppError('invalid_input', `"${nameOrFile}" is no mapping; use ${names}, or a JSON file of your own`)
  }
  let content: unknown
  try {
    content = JSON.parse(await readFile(nameOrFile, 'utf8'))
  } catch (cause) {
    throw new AppError('invalid_input', `The mapping ${nameOrFile} can't be read: ${messageOf(cause)}`, { cause })
  }
  return check(content)
}
