/** For processes that a test starts: tells the test something. */
export function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
