import { parseArgs } from 'node:util'
import { flagOf, loadConfig, SETTING_NAMES, SETTINGS, textOfValue } from '../core/config.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { type Command, type CommandOption, type Terminal, UsageError } from './command.ts'
import { COMMANDS } from './commands.ts'

const EXIT_OK = 0
const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Runs one command line; answers the exit code: 0 ok, 1 failed, 2 wrong usage. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = rest[0] === undefined ? undefined : COMMANDS.find((command) => command.name === rest[0])
    terminal.out(asked === undefined ? overview() : helpOf(asked))
    return name === undefined ? EXIT_USAGE : EXIT_OK
  }
  if (name === '--version' || name === '-v') {
    terminal.out(VERSION)
    return EXIT_OK
  }
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    terminal.say(`fanfold: there is no command "${name}"; try: fanfold --help`)
    return EXIT_USAGE
  }
  try {
    return await runCommand(command, rest, env, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.say(
        `fanfold ${command.name}: ${error.message}\n\n${usageLine(command)}\nMore: fanfold ${command.name} --help`,
      )
      return EXIT_USAGE
    }
    terminal.say(`fanfold ${command.name}: ${messageOf(error)}`)
    if (!isAppError(error) && error instanceof Error && error.stack !== undefined) terminal.say(error.stack)
    return isAppError(error, 'invalid_config') ? EXIT_USAGE : EXIT_FAILED
  }
}

async function runCommand(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) {
    terminal.out(helpOf(command))
    return EXIT_OK
  }
  const flags: Record<string, string> = {}
  const single: Record<string, string | boolean | undefined> = {}
  const lists: Record<string, readonly string[]> = {}
  for (const [flag, value] of Object.entries(values)) {
    if (typeof value === 'string') flags[flag] = value
    if (Array.isArray(value)) lists[flag] = value.map(String)
    else single[flag] = value
  }
  return command.run({
    config: loadConfig(env, flags),
    positionals,
    options: single,
    lists,
    json: values['json'] === true,
    terminal,
  })
}

function parse(command: Command, args: readonly string[]) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean }> = {
    help: { type: 'boolean' },
    json: { type: 'boolean' },
  }
  for (const name of SETTING_NAMES) options[flagOf(name)] = { type: 'string' }
  for (const [name, option] of Object.entries(command.options ?? {})) {
    options[name] = { type: option.type, multiple: option.multiple === true }
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(messageOf(error).split('. ')[0]!)
  }
}

function usageLine(command: Command): string {
  return `Usage: fanfold ${[command.name, command.usage, '[options]'].filter((part) => part !== '').join(' ')}`
}

function optionLines(options: Readonly<Record<string, CommandOption>>): string[] {
  const named = Object.entries(options).map(
    ([name, option]) => [`--${name}${option.value ? ` ${option.value}` : ''}`, option.about] as const,
  )
  const width = Math.max(...named.map(([left]) => left.length), 0)
  return named.map(([left, about]) => `  ${left.padEnd(width)}  ${about}`)
}

function helpOf(command: Command): string {
  const own = {
    ...command.options,
    json: { type: 'boolean', about: 'Print the result as JSON' },
    help: { type: 'boolean', about: 'Print this help' },
  } as const
  return [
    command.about,
    '',
    usageLine(command),
    '',
    'Options:',
    ...optionLines(own),
    '',
    'Every setting is an option too; the most used are --database-url, --port and --log-level. All: fanfold --help',
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n')
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length))
  const settings = Object.fromEntries(
    SETTING_NAMES.map((name) => {
      const fallback: unknown = SETTINGS[name].fallback
      const shown = fallback === undefined || 'secret' in SETTINGS[name] ? '' : ` (default ${textOfValue(fallback)})`
      return [flagOf(name), { type: 'string', about: `${SETTINGS[name].about}${shown}` } as const]
    }),
  )
  return [
    'Fanfold: feeds, orders and payments behind one backend.',
    '',
    'Usage: fanfold COMMAND [options]',
    '',
    'Commands:',
    ...COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.about}`),
    '',
    'Settings (--database-url, or FANFOLD_DATABASE_URL in the environment; an option wins):',
    ...optionLines(settings),
    '',
    'Exit codes: 0 ok, 1 failed, 2 wrong usage. Data goes to stdout, words to stderr.',
    'More about one command: fanfold COMMAND --help',
  ].join('\n')
}
