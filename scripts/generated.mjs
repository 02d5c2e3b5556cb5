// Writes a generated file, or with `check` tells whether it is up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Answers true when the file already holds this text. */
export function writeGenerated(path, text, check) {
  const same = existsSync(path) && readFileSync(path, 'utf8') === text
  if (!same && check) process.stderr.write(`${path} is out of date; run: npm run gen\n`)
  else if (!same) writeFileSync(path, text)
  return same
}
