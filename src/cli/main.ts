#!/usr/bin/env node
import { createTerminal } from './terminal.ts'
import { runCli } from './run.ts'

process.exitCode = await runCli(process.argv.slice(2), process.env, createTerminal())
