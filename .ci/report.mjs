// What vitest reported of one run, and of a second one of the files that had failed.
//   node .ci/report.mjs failed FIRST                  vitest's arguments to run those again that failed, a line each
//   node .ci/report.mjs summary BROKEN FIRST SECOND   the last line of CI; its exit says whether all went well
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/** More than so many files that failed are no matter of chance. */
const AGAIN_MAX = 3

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // vitest did not get that far
  }
}

const isFailed = ({ status }) => status === 'failed'

/** Tests that failed, by file and name; a file that failed without one never loaded, and counts as one. */
function failures(report) {
  return report.testResults.filter(isFailed).flatMap(({ name, assertionResults }) => {
    const tests = assertionResults.filter(isFailed)
    const file = relative('', name)
    return tests.length > 0 ? tests.map(({ fullName }) => `${file} > ${fullName}`) : [file]
  })
}

function failed(first) {
  const files = (read(first)?.testResults ?? []).filter(isFailed)
  if (files.length === 0 || files.length > AGAIN_MAX) return
  const tests = files.map(({ assertionResults }) => assertionResults.filter(isFailed))
  const names = tests.flat().map(({ fullName }) => fullName.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  // A file that never loaded names no test: then all of these files are run whole.
  if (tests.every(({ length }) => length > 0)) console.log(`--testNamePattern=^(${names.join('|')})$`)
  for (const { name } of files) console.log(name)
}

function summary(broken, first, second) {
  const report = read(first)
  const again = read(second)
  const all = report === undefined ? [] : failures(report)
  const left = again === undefined ? all : failures(again)
  const flaky = all.filter((test) => !left.includes(test))
  for (const test of flaky) console.log(`flaky: ${test}`)
  const passed = (report?.numPassedTests ?? 0) + flaky.length
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  const failed = Math.max(left.length, passed === 0 || broken !== '0' ? 1 : 0)
  const counts = [`${passed} passed`, `${failed} failed`]
  if (skipped > 0) counts.push(`${skipped} skipped`)
  if (flaky.length > 0) counts.push(`${flaky.length} flaky`)
  console.log(counts.join(', '))
  process.exitCode = failed > 0 ? 1 : 0
}

const [call, ...args] = process.argv.slice(2)
if (call === 'failed') failed(...args)
else summary(...args)
