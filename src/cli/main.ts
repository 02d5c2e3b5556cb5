#!/usr/bin/env node
import { runCli } from './run.ts'
import { endWith } from './shutdown.ts'
import { createTerminal } from './terminal.ts'

endWith(await runCli(process.argv.slice(2), process.env, createTerminal()))
